// Tells code from comments and strings, well enough for TypeScript, AssemblyScript and JavaScript. Not a parser: positions stay, contents go.

export interface BlankedText {
  /** Comments replaced by spaces. */
  withoutComments: string;
  /** Comments and the contents of strings, templates and regular expressions replaced by spaces. */
  codeOnly: string;
}

const WORD_BEFORE_REGEX = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do)\s*$/;

class Blanker {
  private readonly text: string;
  private readonly noComments: string[];
  private readonly onlyCode: string[];
  private at = 0;
  /** Open braces inside `${…}` of the enclosing templates, innermost last. */
  private readonly templates: number[] = [];
  private depth = 0;

  constructor(text: string) {
    this.text = text;
    this.noComments = [...Array(text.length).keys()].map((index) => text.charAt(index));
    this.onlyCode = [...this.noComments];
  }

  run(): BlankedText {
    while (this.at < this.text.length) this.step();
    return { withoutComments: this.noComments.join(''), codeOnly: this.onlyCode.join('') };
  }

  private step(): void {
    const two = this.text.slice(this.at, this.at + 2);
    const one = two.charAt(0);
    if (two === '//') this.comment(this.end('\n', 0));
    else if (two === '/*') this.comment(this.end('*/', 2));
    else if (one === '"' || one === "'") this.quoted(one);
    else if (one === '`') this.template();
    else if (one === '/' && this.isRegexHere()) this.regex();
    else if (one === '}' && this.templates.at(-1) === this.depth) {
      this.templates.pop();
      this.template();
    } else {
      if (one === '{') this.depth++;
      if (one === '}') this.depth--;
      this.at++;
    }
  }

  private end(mark: string, extra: number): number {
    const found = this.text.indexOf(mark, this.at + extra);
    return found === -1 ? this.text.length : found + extra;
  }

  private clear(target: string[], from: number, to: number): void {
    for (let index = from; index < to; index++) if (target[index] !== '\n') target[index] = ' ';
  }

  private comment(to: number): void {
    this.clear(this.noComments, this.at, to);
    this.clear(this.onlyCode, this.at, to);
    this.at = to;
  }

  private quoted(quote: string): void {
    let to = this.at + 1;
    while (to < this.text.length && this.text.charAt(to) !== quote && this.text.charAt(to) !== '\n') to += this.text.charAt(to) === '\\' ? 2 : 1;
    this.clear(this.onlyCode, this.at + 1, to);
    this.at = to + 1;
  }

  /** From a backtick, or from the brace that closes `${…}`, to the next `${` or the closing backtick. */
  private template(): void {
    let to = this.at + 1;
    while (to < this.text.length && this.text.charAt(to) !== '`' && this.text.slice(to, to + 2) !== '${') to += this.text.charAt(to) === '\\' ? 2 : 1;
    this.clear(this.onlyCode, this.at + 1, to);
    const opens = this.text.charAt(to) === '$';
    if (opens) this.templates.push(this.depth);
    this.at = to + (opens ? 2 : 1);
  }

  private isRegexHere(): boolean {
    const before = this.onlyCode.slice(Math.max(0, this.at - 40), this.at).join('').trimEnd();
    return before === '' || /[(,=:[!&|?{};~^<>+*%-]$/.test(before) || WORD_BEFORE_REGEX.test(before);
  }

  private regex(): void {
    let to = this.at + 1;
    let inClass = false;
    for (; to < this.text.length && this.text.charAt(to) !== '\n'; to++) {
      const char = this.text.charAt(to);
      if (char === '\\') to++;
      else if (char === '[') inClass = true;
      else if (char === ']') inClass = false;
      else if (char === '/' && !inClass) break;
    }
    this.clear(this.onlyCode, this.at + 1, to);
    this.at = to + 1;
  }
}

export function blank(text: string): BlankedText {
  return new Blanker(text).run();
}

// Separates code from comments and strings in TypeScript, AssemblyScript and JavaScript. Not a parser: positions stay,
// contents are blanked.

export interface BlankedText {
  /** Comments replaced by spaces. */
  withoutComments: string;
  /** Comments and the contents of strings, templates and regular expressions replaced by spaces. */
  codeOnly: string;
}

const WORD_BEFORE_REGEX = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do)\s*$/;

/** Characters that may begin or end a comment, string, template or regular expression. */
const MARK = /["'`/{}]/g;

class Blanker {
  private readonly text: string;
  private noComments = '';
  private onlyCode = '';
  private at = 0;
  /** Depth of braces at each open `${`, innermost last. */
  private readonly templates: number[] = [];
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  run(): BlankedText {
    while (this.at < this.text.length) {
      MARK.lastIndex = this.at;
      this.code(MARK.exec(this.text)?.index ?? this.text.length);
      if (this.at < this.text.length) this.step();
    }
    return { withoutComments: this.noComments, codeOnly: this.onlyCode };
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
      this.code(this.at + 1);
    }
  }

  private end(mark: string, extra: number): number {
    const found = this.text.indexOf(mark, this.at + extra);
    return found === -1 ? this.text.length : found + extra;
  }

  private spaces(to: number): string {
    return this.text.slice(this.at, to).replaceAll(/[^\n]/g, ' ');
  }

  private code(to: number): void {
    const taken = this.text.slice(this.at, to);
    this.noComments += taken;
    this.onlyCode += taken;
    this.at += taken.length;
  }

  private comment(to: number): void {
    const hidden = this.spaces(to);
    this.noComments += hidden;
    this.onlyCode += hidden;
    this.at += hidden.length;
  }

  private literal(to: number): void {
    this.noComments += this.text.slice(this.at, to);
    this.onlyCode += this.spaces(to);
    this.at = Math.min(to, this.text.length);
  }

  private quoted(quote: string): void {
    let to = this.at + 1;
    while (to < this.text.length && this.text.charAt(to) !== quote && this.text.charAt(to) !== '\n')
      to += this.text.charAt(to) === '\\' ? 2 : 1;
    this.code(this.at + 1);
    this.literal(to);
    this.code(to + 1);
  }

  /** Blanks from a backtick, or from the brace that closes `${…}`, to the next `${` or the closing backtick. */
  private template(): void {
    let to = this.at + 1;
    while (to < this.text.length && this.text.charAt(to) !== '`' && this.text.slice(to, to + 2) !== '${')
      to += this.text.charAt(to) === '\\' ? 2 : 1;
    const opens = this.text.charAt(to) === '$';
    if (opens) this.templates.push(this.depth);
    this.code(this.at + 1);
    this.literal(to);
    this.code(to + (opens ? 2 : 1));
  }

  private isRegexHere(): boolean {
    const before = this.onlyCode.slice(-40).trimEnd();
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
    this.code(this.at + 1);
    this.literal(to);
    this.code(to + 1);
  }
}

export function blank(text: string): BlankedText {
  return new Blanker(text).run();
}

// Runs inside the pod: one HTTP request, its answer as one JSON line. Argument: {"url", "method", "headers", "body"} as
// JSON.
const { url, ...init } = JSON.parse(process.argv[2] ?? '') as { url: string } & RequestInit;
const response = await fetch(url, init);
const answer = { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
process.stdout.write(`${JSON.stringify(answer)}\n`);

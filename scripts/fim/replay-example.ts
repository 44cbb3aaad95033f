/** A line of recorded traffic, for the help of `fim replay`. A test reads it. */
export const LINE_EXAMPLE = `
A line of recorded traffic; \`time\` keeps limits as they were, and \`response\` is what the upstream answered:

  {"time":"2026-03-01T09:30:00.000Z","request":{"method":"POST","path":"/fund","headers":{"content-type":"application/json"},"body":"{}"},"response":{"status":200,"body":"{}"}}

\`bodyBase64\` in place of \`body\` is for any bytes.
`;

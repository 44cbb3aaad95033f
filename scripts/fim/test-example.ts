/** A file of cases, for the help of `fim test`. A test runs it. */
export const EXAMPLE = `
A file of cases, such as fund.test.yaml beside the policies:

  routes: [fund-redemption-v2.yaml]       # default: every resource of this folder
  cases:
    - name: a redemption reaches the upstream encrypted
      request: {path: /, json: {transCode: "01000001"}}
      expect:
        verdict: Passed
        upstream: {protected: true, json: {transCode: "01000001"}}
    - name: another kind of transaction is refused, and the upstream sees nothing
      request: {json: {transCode: "02000001"}}
      expect: {status: 422, errors: [{path: /transCode}], upstream: Nothing}

A case with \`steps\` sends several messages; \`advance: 1s\` lets time pass between them.
Every word: envoy/cases/README.md.
`;

describe('wrong', () => {
  it('compares', () => {
    expect<i32>(1).toBe(2, 'one is two');
  });
  it('traps', () => {
    unreachable();
  });
  it('is right', () => {
    expect<i32>(2).toBe(2);
  });
  throws('does not throw', () => {});
  xit('is left out', () => {});
});

describe('a group whose body fails', () => {
  expect<i32>(1).toBe(3);
});

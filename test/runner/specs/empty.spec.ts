export function lonely(): i32 {
  return 1;
}

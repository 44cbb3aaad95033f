// The same texts through `assemblyscript-json`, the JSON package of its language.
import '../../filters/runtime/abort';
import { JSON } from 'assemblyscript-json/assembly';

let input = new Uint8Array(0);

/** Room for `bytes` bytes of source. */
export function room(bytes: u32): usize {
  if (<u32>input.length < bytes) input = new Uint8Array(<i32>bytes);
  return input.dataStart;
}

/** Parses the text `times` times; the number of members of the outermost object. */
export function parseMany(length: u32, times: u32): i32 {
  const text = input.subarray(0, <i32>length);
  let members = 0;
  for (let i: u32 = 0; i < times; i++) members = (<JSON.Obj>JSON.parse(text)).keys.length;
  return members;
}

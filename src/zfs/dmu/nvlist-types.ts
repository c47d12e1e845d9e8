/** data_type_t of nvlists, by what their values are made of. @see OpenZFS 2.3 `include/sys/nvpair.h` */
import type { NvElement } from "./nvlist-cursor.ts";

/** Types that are neither one element nor an array of elements. */
export const NV_TYPE = { boolean: 1, string: 9, byteArray: 10, stringArray: 17, nvlist: 19, nvlistArray: 20 } as const;

/** Types of one element. */
export const SCALARS: ReadonlyMap<number, NvElement> = new Map([
  [2, "u8"], // byte
  [3, "i16"],
  [4, "u16"],
  [5, "i32"],
  [6, "u32"],
  [7, "i64"],
  [8, "u64"],
  [18, "i64"], // hrtime
  [21, "bool"], // boolean value
  [22, "i8"],
  [23, "u8"],
  [27, "f64"],
]);

/** Types of many elements. */
export const ARRAYS: ReadonlyMap<number, NvElement> = new Map([
  [NV_TYPE.byteArray, "u8"],
  [11, "i16"],
  [12, "u16"],
  [13, "i32"],
  [14, "u32"],
  [15, "i64"],
  [16, "u64"],
  [24, "bool"],
  [25, "i8"],
  [26, "u8"],
]);

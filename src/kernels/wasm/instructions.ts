/** How an instruction's operands are written after its code. */
export type Immediates =
  'none' | 'index' | 'i32' | 'f32' | 'memory' | 'memory-lane' | 'lane' | 'v128' | 'type' | 'fill';

interface Instruction {
  readonly code: readonly number[];
  readonly immediates: Immediates;
}

const SIMD = 0xfd;
const MISCELLANEOUS = 0xfc;

const plain = (code: number, immediates: Immediates = 'none'): Instruction => ({
  code: [code],
  immediates,
});

/** The code of a SIMD instruction is a number in LEB128, of one or two bytes. */
const simd = (code: number, immediates: Immediates = 'none'): Instruction => ({
  code: code < 0x80 ? [SIMD, code] : [SIMD, (code & 0x7f) | 0x80, code >> 7],
  immediates,
});

/**
 * The instructions that generated code uses, by their names in WebAssembly's text format.
 * @see https://webassembly.github.io/spec/core/binary/instructions.html
 */
const table = {
  unreachable: plain(0x00),
  block: plain(0x02, 'type'),
  loop: plain(0x03, 'type'),
  if: plain(0x04, 'type'),
  else: plain(0x05),
  end: plain(0x0b),
  br: plain(0x0c, 'index'),
  br_if: plain(0x0d, 'index'),
  call: plain(0x10, 'index'),
  'local.get': plain(0x20, 'index'),
  'local.set': plain(0x21, 'index'),
  'local.tee': plain(0x22, 'index'),
  'i32.load': plain(0x28, 'memory'),
  'i32.load8_u': plain(0x2d, 'memory'),
  'i32.store': plain(0x36, 'memory'),
  'i32.store8': plain(0x3a, 'memory'),
  'i32.const': plain(0x41, 'i32'),
  'i32.eqz': plain(0x45),
  'i32.eq': plain(0x46),
  'i32.ne': plain(0x47),
  'i32.lt_u': plain(0x49),
  'i32.gt_u': plain(0x4b),
  'i32.le_u': plain(0x4d),
  'i32.ge_u': plain(0x4f),
  'i32.add': plain(0x6a),
  'i32.sub': plain(0x6b),
  'i32.mul': plain(0x6c),
  'i32.and': plain(0x71),
  'i32.shl': plain(0x74),
  'f32.demote_f64': plain(0xb6),
  'f64.promote_f32': plain(0xbb),
  'memory.fill': {code: [MISCELLANEOUS, 11], immediates: 'fill'},
  'v128.load': simd(0x00, 'memory'),
  'v128.load32_splat': simd(0x09, 'memory'),
  'v128.store': simd(0x0b, 'memory'),
  'v128.const': simd(0x0c, 'v128'),
  'i8x16.shuffle': simd(0x0d, 'v128'),
  'i32x4.splat': simd(0x11),
  'f32x4.splat': simd(0x13),
  'f32x4.extract_lane': simd(0x1f, 'lane'),
  'f32x4.replace_lane': simd(0x20, 'lane'),
  'i32x4.eq': simd(0x37),
  'i32x4.ne': simd(0x38),
  'i32x4.lt_s': simd(0x39),
  'i32x4.gt_s': simd(0x3b),
  'i32x4.le_s': simd(0x3d),
  'i32x4.ge_s': simd(0x3f),
  'f32x4.eq': simd(0x41),
  'f32x4.ne': simd(0x42),
  'f32x4.lt': simd(0x43),
  'f32x4.gt': simd(0x44),
  'f32x4.le': simd(0x45),
  'f32x4.ge': simd(0x46),
  'v128.not': simd(0x4d),
  'v128.and': simd(0x4e),
  'v128.andnot': simd(0x4f),
  'v128.or': simd(0x50),
  'v128.xor': simd(0x51),
  'v128.bitselect': simd(0x52),
  'v128.any_true': simd(0x53),
  'v128.load8_lane': simd(0x54, 'memory-lane'),
  'v128.load32_lane': simd(0x56, 'memory-lane'),
  'v128.store8_lane': simd(0x58, 'memory-lane'),
  'v128.store32_lane': simd(0x5a, 'memory-lane'),
  'v128.store64_lane': simd(0x5b, 'memory-lane'),
  'v128.load32_zero': simd(0x5c, 'memory'),
  'i8x16.narrow_i16x8_u': simd(0x66),
  'f32x4.ceil': simd(0x67),
  'f32x4.floor': simd(0x68),
  'f32x4.trunc': simd(0x69),
  'f32x4.nearest': simd(0x6a),
  'i16x8.narrow_i32x4_u': simd(0x86),
  'i16x8.extend_low_i8x16_u': simd(0x89),
  'i32x4.abs': simd(0xa0),
  'i32x4.neg': simd(0xa1),
  'i32x4.extend_low_i16x8_u': simd(0xa9),
  'i32x4.shl': simd(0xab),
  'i32x4.shr_s': simd(0xac),
  'i32x4.shr_u': simd(0xad),
  'i32x4.add': simd(0xae),
  'i32x4.sub': simd(0xb1),
  'i32x4.mul': simd(0xb5),
  'i32x4.min_s': simd(0xb6),
  'i32x4.max_s': simd(0xb8),
  'f32x4.abs': simd(0xe0),
  'f32x4.neg': simd(0xe1),
  'f32x4.sqrt': simd(0xe3),
  'f32x4.add': simd(0xe4),
  'f32x4.sub': simd(0xe5),
  'f32x4.mul': simd(0xe6),
  'f32x4.div': simd(0xe7),
  'f32x4.min': simd(0xe8),
  'f32x4.max': simd(0xe9),
  'f32x4.pmin': simd(0xea),
  'f32x4.pmax': simd(0xeb),
  'i32x4.trunc_sat_f32x4_s': simd(0xf8),
  'f32x4.convert_i32x4_s': simd(0xfa),
} as const satisfies Readonly<Record<string, Instruction>>;

export type Name = keyof typeof table;

export const instructions: Readonly<Record<Name, Instruction>> = table;

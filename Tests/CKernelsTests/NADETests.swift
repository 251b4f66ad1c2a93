import CKernels
import Foundation
import Testing

/// NADE on random images, dimension by dimension and at once.
struct NADECase: CustomTestStringConvertible {
  var seed: Int
  var images, dimension, hidden, levels: Int
  var isBinary: Bool

  static let all = (0..<24).map { seed in
    var draws = Draws(seed)
    return NADECase(
      seed: seed, images: draws.integer(1...40), dimension: draws.integer(1...60),
      hidden: draws.integer(1...(seed % 6 == 0 ? 700 : 150)), levels: draws.integer(2...40),
      isBinary: seed % 2 == 0)
  }

  var testDescription: String {
    "\(images) images of \(dimension), \(hidden) hidden units, \(levels) levels \(seed)"
  }

  var lanes: Int { (images + 15) / 16 * 16 }
}

/// The operands of a case, and what to do with them.
struct NADEOperands {
  let nade: NADECase
  let x, w, c, v, b: Memory

  init(_ nade: NADECase, outputs: Int) {
    self.nade = nade
    let (d, h) = (nade.dimension, nade.hidden)
    var draws = Draws(nade.seed + 3000)
    x = Memory(
      draws.floats(nade.images * d).map { nade.isBinary ? ($0 > 0.6 ? 1 : 0) : max($0, 0) })
    w = Memory(draws.floats(d * h))
    c = Memory(draws.floats(h))
    v = Memory(draws.floats(d * outputs * h))
    b = Memory(draws.floats(d * outputs))
  }

  /// Logits `[N, D, K]` in double precision.
  func expected(outputs: Int) -> [Double] {
    let (d, h) = (nade.dimension, nade.hidden)
    var logits: [Double] = []
    for n in 0..<nade.images {
      var activation = (0..<h).map { Double(c.floats[$0]) }
      for i in 0..<d {
        let state = activation.map { 1 / (1 + exp(-$0)) }
        for k in 0..<outputs {
          let row = v.floats + (i * outputs + k) * h
          logits.append(
            (0..<h).reduce(Double(b.floats[i * outputs + k])) { $0 + Double(row[$1]) * state[$1] })
        }
        for j in 0..<h {
          activation[j] += Double(x.floats[n * d + i]) * Double(w.floats[i * h + j])
        }
      }
    }
    return logits
  }

  func worst(_ found: Memory, outputs: Int) -> Double {
    expected(outputs: outputs).enumerated().reduce(0) {
      max($0, abs($1.element - Double(found.floats[$1.offset])))
    }
  }
}

@Suite struct NADEs {
  private func whole(_ o: NADEOperands, threads: Int) -> Memory {
    let (n, d, h) = (o.nade.images, o.nade.dimension, o.nade.hidden)
    let logits = Memory(bytes: n * d * 4)
    onThreads(threads) {
      let scratch = Memory(bytes: sl_nade_packed_scratch_count(n, d) * 4)
      sl_nade_packed(
        o.x.floats, packed(o).floats, o.b.floats, logits.floats, n, d, h, scratch.floats)
    }
    return logits
  }

  private func packed(_ o: NADEOperands) -> Memory {
    let packed = Memory(bytes: sl_nade_packed_count(o.nade.dimension, o.nade.hidden) * 4)
    sl_nade_pack(
      o.w.floats, o.c.floats, o.v.floats, o.nade.dimension, o.nade.hidden, packed.floats)
    return packed
  }

  /// Some of the images, dimension by dimension; logits `[images, D]`.
  private func stepByStep(_ o: NADEOperands, _ images: Range<Int>) -> Memory {
    let (d, h) = (o.nade.dimension, o.nade.hidden)
    let packed = packed(o)
    let state = Memory(bytes: sl_nade_state_count(images.count, h) * 4)
    let logits = Memory(bytes: images.count * d * 4)
    let next = Memory(bytes: images.count * 4)
    sl_nade_start(packed.floats, d, h, images.count, state.floats)
    for i in 0..<d {
      sl_nade_next(packed.floats, o.b.floats, d, h, i, images.count, state.floats, next.floats)
      for n in 0..<images.count {
        logits.floats[n * d + i] = next.floats[n]
        next.floats[n] = o.x.floats[(images.lowerBound + n) * d + i]
      }
      sl_nade_observe(packed.floats, d, h, i, images.count, next.floats, state.floats)
    }
    return logits
  }

  @Test(arguments: NADECase.all)
  func givesTheSameBitsDimensionByDimension(_ nade: NADECase) {
    let o = NADEOperands(nade, outputs: 1)
    let all = whole(o, threads: 1)
    #expect(o.worst(all, outputs: 1) < 1e-4)
    #expect(whole(o, threads: 2).isSame(all))
    let again = Memory(bytes: all.bytes)
    let scratch = Memory(
      bytes: sl_nade_packed_scratch_count(nade.images, nade.dimension) * 4)
    sl_nade_packed(
      o.x.floats, packed(o).floats, o.b.floats, again.floats, nade.images, nade.dimension,
      nade.hidden, scratch.floats)
    #expect(again.isSame(all))
    #expect(stepByStep(o, 0..<nade.images).isSame(all))
    for n in Set([0, nade.images / 2, nade.images - 1]) {
      let alone = stepByStep(o, n..<n + 1)
      #expect(
        memcmp(alone.start, all.floats + n * nade.dimension, nade.dimension * 4) == 0, "image \(n)")
    }
  }

  /// A beam copies the state of one image over that of another.
  @Test func theStateOfAnImageCanBeCopied() {
    let nade = NADECase(
      seed: 1, images: 3, dimension: 5, hidden: 70, levels: 2, isBinary: true)
    let o = NADEOperands(nade, outputs: 1)
    let packed = packed(o)
    let state = Memory(bytes: sl_nade_state_count(3, 70) * 4)
    sl_nade_start(packed.floats, 5, 70, 3, state.floats)
    let values = Memory([1, 0, 1])
    sl_nade_observe(packed.floats, 5, 70, 0, 3, values.floats, state.floats)
    let one = sl_nade_state_count(1, 70) * 4
    (state.start + one).copyMemory(from: state.start, byteCount: one)
    let logits = Memory(bytes: 12)
    sl_nade_next(packed.floats, o.b.floats, 5, 70, 1, 3, state.floats, logits.floats)
    #expect(logits.floats[0] == logits.floats[1])
    #expect(logits.floats[0] == logits.floats[2])
  }

  private func wholeLevels(_ o: NADEOperands, threads: Int) -> Memory {
    let nade = o.nade
    let logits = Memory(bytes: nade.images * nade.dimension * nade.levels * 4)
    onThreads(threads) {
      sl_nade_levels(
        o.x.floats, o.w.floats, o.c.floats, o.v.floats, o.b.floats, logits.floats, nade.images,
        nade.dimension, nade.hidden, nade.levels, 0)
    }
    return logits
  }

  @Test(arguments: NADECase.all)
  func givesTheSameBitsOfSeveralLevels(_ nade: NADECase) {
    let o = NADEOperands(nade, outputs: nade.levels)
    let (d, h, k, lanes) = (nade.dimension, nade.hidden, nade.levels, nade.lanes)
    let all = wholeLevels(o, threads: 1)
    #expect(o.worst(all, outputs: k) < 1e-4)
    #expect(wholeLevels(o, threads: 2).isSame(all))
    let state = Memory(bytes: sl_nade_levels_state_count(h, lanes) * 4)
    let next = Memory(bytes: k * lanes * 4)
    let values = Memory(bytes: lanes * 4)
    let logits = Memory(bytes: all.bytes)
    sl_nade_levels_start(o.c.floats, h, lanes, 0, state.floats)
    for i in 0..<d {
      sl_nade_levels_next(o.v.floats, o.b.floats, h, k, i, lanes, state.floats, next.floats)
      sl_rows_of_lanes(next.floats, k, lanes, nade.images, logits.floats + i * k, d * k)
      for n in 0..<nade.images { values.floats[n] = o.x.floats[n * d + i] }
      sl_nade_levels_observe(o.w.floats, h, i, lanes, values.floats, 0, state.floats)
    }
    #expect(logits.isSame(all))
  }
}

import CKernels
import Layers
import Tensors

extension CPUBackend: RecurrenceKernels {
  public func prepareRecurrence(
    _ shape: RecurrenceShape, _ u: Tensor, bias: Tensor?, _ precision: Precision
  ) -> RecurrenceWeights {
    RecurrenceWeights(u: u, bias: bias, packed: pack(u, shape, transposed: false, precision))
  }

  private func pack(_ u: Tensor, _ shape: RecurrenceShape, transposed: Bool, _ precision: Precision)
    -> Tensor
  {
    withKernel(shape, precision) { kernel in
      let side: Int32 = transposed ? 1 : 0
      let packed = bytes(sl_recurrence_packed_bytes(&kernel, side))
      sl_recurrence_pack(&kernel, side, u.floats.baseAddress, packed.pointer)
      return packed
    }
  }

  public func recur(
    _ shape: RecurrenceShape, _ a: Tensor, _ weights: RecurrenceWeights, into y: Tensor,
    keeping: Bool
  ) -> RecurrenceRecord? {
    defer { keepAlive(a, weights, y) }
    return withKernel(shape, a.precision) { kernel in
      let images = a.shape[0]
      let atOnce = sl_recurrence_at_once(&kernel, images)
      let kept = keeping ? bytes(sl_recurrence_kept_bytes(&kernel, images, atOnce)) : nil
      sl_recur(
        &kernel, a.pointer, weights.packed!.pointer, weights.bias?.floats.baseAddress, images,
        atOnce, y.pointer, kept?.pointer)
      return kept.map { RecurrenceRecord(kept: $0, imagesAtOnce: atOnce) }
    }
  }

  public func recurGradient(
    _ shape: RecurrenceShape, _ dy: Tensor, _ record: RecurrenceRecord,
    _ weights: RecurrenceWeights, da: Tensor, dq: Tensor?
  ) {
    let packed = pack(weights.u, shape, transposed: true, dy.precision)
    withKernel(shape, dy.precision) { kernel in
      sl_recur_gradient(
        &kernel, dy.pointer, record.kept.pointer, packed.pointer, dy.shape[0],
        record.imagesAtOnce, da.pointer, dq?.pointer)
    }
    keepAlive(dy, record.kept, packed, da, dq)
  }

  public func recurrenceState(_ shape: RecurrenceShape, images: Int, _ precision: Precision)
    -> RecurrenceState
  {
    // A slot is whole words.
    let units = precision == .bfloat16 ? (shape.units + 1) / 2 * 2 : shape.units
    return RecurrenceState(
      h: .zeros(elements: shape.lattice.slots * units, images: images, precision),
      c: .zeros(elements: shape.lattice.slots * shape.units, images: images, .float32))
  }

  public func recurNext(
    _ shape: RecurrenceShape, position: Int, groups: Range<Int>, _ a: Tensor,
    _ weights: RecurrenceWeights, _ state: RecurrenceState, into y: Tensor
  ) {
    let lattice = shape.lattice
    let before = lattice.predecessors(of: position).map { $0 < 0 ? -1 : lattice.slot(of: $0) }
    var step = sl_recurrence_step(
      first: groups.lowerBound, end: groups.upperBound, images: state.h.images,
      lanes: state.h.lanes, place: lattice.slot(of: position),
      before: (before[0], before.count > 1 ? before[1] : -1, before.count > 2 ? before[2] : -1))
    withKernel(shape, a.precision) { kernel in
      let scratch = Tensor([sl_recurrence_scratch_count(&kernel, state.h.lanes)], .float32)
      sl_recur_next(
        &kernel, &step, a.pointer, weights.packed!.pointer, weights.bias?.floats.baseAddress,
        state.h.values.pointer, state.c.values.floats.baseAddress, y.pointer,
        scratch.floats.baseAddress)
      withExtendedLifetime(scratch) {}
    }
    keepAlive(a, weights, state, y)
  }

  private func withKernel<Result>(
    _ shape: RecurrenceShape, _ precision: Precision, _ body: (inout sl_recurrence) -> Result
  ) -> Result {
    let lattice = shape.lattice
    return exclusively {
      lattice.order.withUnsafeBufferPointer { order in
        lattice.firsts.withUnsafeBufferPointer { firsts in
          lattice.before.withUnsafeBufferPointer { before in
            var kernel = sl_recurrence(
              cell: shape.cell.kernel, units: shape.units, groups: shape.groups,
              positions: lattice.positions, fronts: firsts.count - 1, order: order.baseAddress,
              first: firsts.baseAddress, before: before.baseAddress, reach: lattice.reach,
              carried: lattice.carried, half: precision == .bfloat16 ? 1 : 0)
            return body(&kernel)
          }
        }
      }
    }
  }
}

extension RecurrentCell {
  fileprivate var kernel: Int32 {
    switch self {
    case .tanh: Int32(SL_TANH)
    case .gru: Int32(SL_GRU)
    case .lstm: Int32(SL_LSTM)
    }
  }
}

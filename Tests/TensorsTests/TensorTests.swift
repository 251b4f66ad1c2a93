import Tensors
import Testing

@Suite struct TensorBasics {
  /// Numbers and their bfloat16; between 1 and 2 those are 1/128 apart.
  static let roundings: [(Double, Double)] = [
    (0, 0), (1, 1), (1 + 1 / 128, 1 + 1 / 128),
    // Ties go to the neighbour whose last bit is zero.
    (1 + 1 / 256, 1), (1 + 3 / 256, 1 + 2 / 128),
    // A hair beside a tie.
    (Double(Float(1 + 1.0 / 256).nextUp), 1 + 1 / 128),
    (Double(Float(1 + 3.0 / 256).nextDown), 1 + 1 / 128),
    // A carry into the exponent, overflow, and the least subnormal number and its half.
    (2 - 1 / 512, 2), (Double(Float.greatestFiniteMagnitude), .infinity),
    (0x1p-133, 0x1p-133), (0x1p-134, 0), (.infinity, .infinity),
  ]

  @Test("bfloat16 rounds to nearest, ties to even", arguments: roundings)
  func bfloat16(_ value: Double, _ rounded: Double) {
    let tensor = Tensor([2], .bfloat16, values: [value, -value])
    #expect(tensor.values == [rounded, -rounded])
    tensor.set(0, to: -value)
    #expect(tensor.element(0) == -rounded)
  }

  @Test(arguments: Precision.allCases)
  func notANumberStaysSo(_ precision: Precision) {
    let tensor = Tensor([2], precision, values: [.nan, -.nan])
    #expect(tensor.values.allSatisfy { $0.isNaN })
    // All bits of the mantissa set: rounding up would carry into the sign.
    tensor.set(0, to: Double(Float(bitPattern: 0x7fff_ffff)))
    #expect(tensor.element(0).isNaN)
  }

  @Test(arguments: Precision.allCases)
  func rowsAndOtherShapesShareMemory(_ precision: Precision) {
    let tensor = Tensor([3, 2, 2], precision, values: (0..<12).map(Double.init))
    let rows = tensor.rows(1..<3)
    #expect(rows.shape == [2, 2, 2])
    #expect(rows.values == [4, 5, 6, 7, 8, 9, 10, 11])
    rows.rows(1..<2).reshaped([4]).set(1, to: 50)
    #expect(tensor.element(9) == 50)
    #expect(tensor.rows(1..<1).values == [])
    rows.clear()
    #expect(tensor.values == [0, 1, 2, 3] + [Double](repeating: 0, count: 8))
  }

  @Test(arguments: Precision.allCases)
  func sumsAreOfRunsInTheirOrder(_ precision: Precision) {
    let tensor = Tensor([2, 3], precision, values: [1, 2, 3, 1e30, -1e30, 0.5])
    #expect(tensor.sums(ofEach: 3) == [6, 0.5])
    #expect(tensor.sums(ofEach: 1) == tensor.values)
    #expect(tensor.sums(ofEach: 6) == [tensor.values.reduce(0, +)])
    // More than are summed side by side.
    let many = Tensor([19, 5], precision, values: (0..<95).map { 0.1 * Double($0) })
    let expected = (0..<19).map { many.values[$0 * 5..<$0 * 5 + 5].reduce(0, +) }
    #expect(many.sums(ofEach: 5) == expected)
  }

  @Test func memoryOutlivesTheTensorThatItWasTakenFrom() {
    let rows = Tensor([2, 2], .float64, values: [1, 2, 3, 4]).rows(1..<2)
    let other = Tensor([2, 2], .float64, values: [9, 9, 9, 9])
    #expect(rows.values == [3, 4])
    #expect(other.pointer + 16 != rows.pointer)
  }

  @Test func bytesAreLentInPlaceAndHoldTheirTensor() {
    let rows = Tensor([3, 2], .float32, values: [1, 2, 3, 4, 5, 6]).rows(1..<3)
    rows.withMutableBytes { $0.storeBytes(of: Float(7), toByteOffset: 12, as: Float.self) }
    #expect(rows.withBytes { Array($0.bindMemory(to: Float.self)) } == [3, 4, 5, 7])
    #expect(rows.values == [3, 4, 5, 7])
    #expect(Tensor([3], .bfloat16).withBytes(\.count) == 6)
  }

  @Test(arguments: Precision.allCases)
  func copies(_ precision: Precision) {
    let a = Tensor([2, 2], precision, values: [1, 2, 3, 4])
    let b = Tensor.zeros([2, 2], precision)
    b.copy(from: a)
    a.set(0, to: 7)
    #expect(b.values == [1, 2, 3, 4])
  }

  @Test(arguments: Precision.allCases)
  func setColumns(_ precision: Precision) {
    let tensor = Tensor.zeros([2, 4], precision)
    tensor.setColumns(from: 1, to: Tensor([2, 2], precision, values: [1, 2, 3, 4]))
    #expect(tensor.values == [0, 1, 2, 0, 0, 3, 4, 0])
    tensor.setColumns(from: 4, to: Tensor([2, 0], precision))
    #expect(tensor.values == [0, 1, 2, 0, 0, 3, 4, 0])
  }

  @Test func permuted() {
    let tensor = Tensor([2, 3], values: [1, 2, 3, 4, 5, 6])
    #expect(tensor.permuted(rows: [1, 0], columns: nil).values == [4, 5, 6, 1, 2, 3])
    #expect(tensor.permuted(rows: nil, columns: [2, 0, 1]).values == [3, 1, 2, 6, 4, 5])
    #expect(tensor.permuted(rows: [1, 0], columns: [2, 0, 1]).values == [6, 4, 5, 3, 1, 2])
    let copy = tensor.permuted(rows: nil, columns: nil)
    copy.set(0, to: 9)
    #expect(tensor.element(0) == 1, "a permutation is a copy even where it changes nothing")
  }

  /// A size that nothing else in this process asks for, so that no other test takes the memory.
  @Test("memory goes back to the pool with its last tensor, and only then")
  func reuse() {
    let shape: Shape = [11_111, 777]
    var first: Tensor? = Tensor(shape, .float32)
    let place = first!.pointer
    var view: Tensor? = first!.rows(5..<6)
    first = nil
    let second = Tensor(shape, .float32)
    #expect(second.pointer != place, "a view still stands in this memory")
    withExtendedLifetime(view) {}
    view = nil
    #expect(Tensor(shape, .float32).pointer == place)
    withExtendedLifetime(second) {}
  }

  @Test(arguments: [1, 63, 64, 65, 1000, 4097])
  func alignedToACacheLine(_ count: Int) {
    #expect(Int(bitPattern: Tensor([count], .bfloat16).pointer) % 64 == 0)
  }

  @Test func shapes() {
    #expect(Shape([]).count == 1)
    #expect(([2, 0, 3] as Shape).count == 0)
    #expect(([2, 5, 3] as Shape)[1] == 5)
    #expect(([2, 5] as Shape).description == "[2, 5]")
  }
}

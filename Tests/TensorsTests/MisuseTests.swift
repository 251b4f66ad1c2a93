import Tensors
import Testing

/// A symbol that has no logit would be read, or its gradient written, beyond the tensor's end.
@Suite struct Misuse {
  @Test func aSymbolBeyondTheLevelsTraps() async {
    await #expect(processExitsWith: .failure) {
      let context = Context(.reference)
      _ = context.categoricalLogProbability(Variable(.zeros([1, 2, 4], .float64)), of: [3, 4])
    }
    await #expect(processExitsWith: .failure) {
      let context = Context(.reference)
      _ = context.bernoulliLogProbability(Variable(.zeros([1, 2], .float64)), of: [1, 2])
    }
  }
}

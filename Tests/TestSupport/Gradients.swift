import Tensors
import Testing

/// A parameter of draws from −1…1 in double, keyed by its name.
public func randomParameter(_ name: String, _ shape: Shape, mask: Tensor? = nil) -> Parameter {
  Parameter(name: name, value: randomTensor(shape, .float64, name), mask: mask, decays: true)
}

/// Expects the gradient of the sum of an output, in every element of every parameter, to agree with
/// central differences in double.
///
/// The output is first multiplied by fixed random numbers, so that each of its elements has a
/// gradient of its own: with equal ones a mixed-up index would pass.
public func expectGradients(
  in parameters: [Parameter], sourceLocation: SourceLocation = #_sourceLocation,
  of output: (Context) -> Variable
) {
  func weighted(_ context: Context) -> Variable {
    let y = output(context)
    return context.masked(y, by: randomTensor(y.shape, .float64, "upstream"))
  }
  let context = Context(.reference, tape: Tape())
  let gradients = context.gradients(of: weighted(context), seed: -0.5)
  for parameter in parameters {
    guard let gradient = gradients[parameter] else {
      Issue.record("\(parameter.name) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    #expect(gradient.shape == parameter.shape, "\(parameter.name)", sourceLocation: sourceLocation)
    let expected = (0..<parameter.value.count).map { place in
      finiteDifference(parameter.value, place) {
        let context = Context(.reference)
        return -0.5 * weighted(context).value.values.reduce(0, +)
      }
    }
    expectClose(
      gradient.values, expected, tolerance: 1e-7, floor: 1, parameter.name,
      sourceLocation: sourceLocation)
  }
}

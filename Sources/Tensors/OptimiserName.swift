/// By which rule the weights of a model move.
public enum OptimiserName: String, Codable, Sendable, CaseIterable {
  /// Every weight by `AdamWStep`.
  case adamw
  /// The kernels of convolutions, but for the last layer, by `MuonStep`; the rest by `AdamWStep`.
  case muon
}

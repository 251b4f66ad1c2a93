import Heads
import Images
import Layers
import Models
import Tensors
import Testing

/// What is particular to the networks of several layers.
@Suite struct NetworksTests {
  private static let image = ImageShape(height: 5, width: 5, channels: 1)

  /// The earlier sub-pixels that a conditional moves with.
  private func seen(_ name: String, _ settings: [String: String], from subpixel: Int) throws
    -> [Int]
  {
    let model = try ModelSpecification(
      name: name, settings: settings, head: .bernoulli, image: Self.image
    ).build(in: ParameterStore(seed: 7, precision: .float64))
    let context = Context(.reference)
    let batch = PixelBatch(
      count: 1, height: 5, width: 5, channels: 1, levels: 2,
      symbols: (0..<25).map { UInt8($0 * $0 % 3 % 2) })
    func conditional(_ batch: PixelBatch) -> [Double] {
      model.conditionals(batch, in: context).probabilities(image: 0, subpixel: subpixel)
    }
    let before = conditional(batch)
    return (0..<Self.image.dimension).filter { place in
      var changed = batch
      changed.symbols[place] ^= 1
      return conditional(changed) != before
    }
  }

  @Test(
    "nothing that came before is out of sight",
    arguments: [
      ("gated-pixelcnn", ["layers": "5", "channels": "4", "first": "3"]),
      ("transformer", ["layers": "1", "channels": "4", "heads": "1"]),
      ("pixelsnail", ["blocks": "1", "units": "1", "channels": "16"]),
      ("pixelcnn++", ["levels": "2", "units": "1", "channels": "4"]),
      ("rnn", ["hidden": "4", "context": "previous"]),
    ])
  func noBlindSpot(_ name: String, _ settings: [String: String]) throws {
    #expect(try seen(name, settings, from: 22) == Array(0..<22))
    #expect(try seen(name, settings, from: 20) == Array(0..<20))
  }

  /// No map knows its own pixel, and the map of the last one ends the row on its way to the left; the first
  /// layer sees three columns to the right.
  @Test("a Diagonal BiLSTM sees all but the last pixel of the row above, until that is near")
  func diagonals() throws {
    let settings = ["layers": "1", "channels": "4"]
    #expect(try seen("pixelrnn", settings, from: 22) == Array(0..<22))
    #expect(try seen("pixelrnn", settings, from: 20) == Array(0..<19))
  }

  /// The first layer sees three columns to either side, a state one more each row further up: the last pixel
  /// of the row above the first of the last row is out of sight.
  @Test("a Row LSTM sees a triangle")
  func triangle() throws {
    let settings = ["kind": "row", "layers": "1", "channels": "4"]
    #expect(try seen("pixelrnn", settings, from: 22) == Array(0..<22))
    #expect(try seen("pixelrnn", settings, from: 20) == Array(0..<19))
  }

  @Test(
    "a word that is no choice is one line",
    arguments: [
      ("rnn", "cell", "elman", "setting cell of rnn: expected one of tanh, gru, lstm, found elman"),
      (
        "rnn", "context", "all",
        "setting context of rnn: expected one of above, previous, found all"
      ),
      ("pixelrnn", "kind", "", "setting kind of pixelrnn: expected one of row, diagonal, found "),
    ])
  func noChoice(_ name: String, _ setting: String, _ value: String, _ line: String) {
    #expect {
      try ModelSpecification(
        name: name, settings: [setting: value], head: .bernoulli,
        image: ImageShape(height: 4, width: 4, channels: 1))
    } throws: {
      "\($0)" == line
    }
  }

  @Test(
    "a setting out of range is one line",
    arguments: [
      (
        "gated-pixelcnn", "channels", "32",
        "setting channels of gated-pixelcnn: expected a multiple of 3 (as many a colour), found 32"
      ),
      (
        "gated-pixelcnn", "first", "4",
        "setting first of gated-pixelcnn: expected an odd number 3 ... 15, found 4"
      ),
      (
        "transformer", "heads", "7",
        "setting heads of transformer: expected a divisor of 64 channels, found 7"
      ),
      (
        "pixelsnail", "channels", "2",
        "setting channels of pixelsnail: expected at least 3 (one a colour), found 2"
      ),
      (
        "pixelcnn++", "levels", "9",
        "setting levels of pixelcnn++: expected 1 ... 8, found 9"
      ),
      (
        "pixelrnn", "channels", "32",
        "setting channels of pixelrnn: expected a multiple of 3 (as many a colour), found 32"
      ),
      ("made", "near", "0.1", "setting near of made: expected 0, with one mask, found 0.1"),
    ])
  func refused(_ name: String, _ setting: String, _ value: String, _ line: String) throws {
    let specification = try ModelSpecification(
      name: name, settings: [setting: value], head: .categorical(4),
      image: ImageShape(height: 4, width: 4, channels: 3))
    #expect {
      try specification.build(in: .measuring())
    } throws: {
      "\($0)" == line
    }
  }
}

import Images

/// A colour, R, G, B, 0 … 255.
struct Colour: Equatable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  static let background = Colour(red: 38, green: 40, blue: 44)
  static let text = Colour(red: 214, green: 216, blue: 220)
  static let line = Colour(red: 255, green: 255, blue: 255)
  static let flag = Colour(red: 255, green: 92, blue: 56)
}

/// An RGB image to draw on. What falls outside is left out.
struct Canvas {
  private(set) var image: Image

  init(width: Int, height: Int, fill: Colour) {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * width * height)
    for _ in 0..<width { pixels += [fill.red, fill.green, fill.blue] }
    let row = pixels
    for _ in 1..<height { pixels += row }
    image = Image(height: height, width: width, channels: 3, pixels: pixels)
  }

  mutating func fill(x: Int, y: Int, width: Int, height: Int, _ colour: Colour) {
    for row in max(0, y)..<max(0, y, min(image.height, y + height)) {
      for column in max(0, x)..<max(0, x, min(image.width, x + width)) {
        let start = 3 * (row * image.width + column)
        image.pixels[start] = colour.red
        image.pixels[start + 1] = colour.green
        image.pixels[start + 2] = colour.blue
      }
    }
  }

  /// Draws `picture`, grey or RGB, with each pixel as a square of `factor` pixels.
  mutating func draw(_ picture: Image, x: Int, y: Int, factor: Int) {
    for row in 0..<picture.height {
      for column in 0..<picture.width {
        let start = (row * picture.width + column) * picture.channels
        let last = picture.channels - 1
        let colour = Colour(
          red: picture.pixels[start], green: picture.pixels[start + last / 2],
          blue: picture.pixels[start + last])
        fill(x: x + column * factor, y: y + row * factor, width: factor, height: factor, colour)
      }
    }
  }

  /// Writes one line of text with its top left corner at x, y; each dot of the font is a square of
  /// `size` pixels.
  mutating func write(_ text: String, x: Int, y: Int, size: Int, _ colour: Colour) {
    for (place, character) in text.enumerated() {
      for dot in BitmapFont.dots(of: character) {
        fill(
          x: x + (place * BitmapFont.pitch + dot.x) * size, y: y + dot.y * size, width: size,
          height: size, colour)
      }
    }
  }
}

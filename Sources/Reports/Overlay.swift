import Foundation
import Images

/// A heat map laid over its image, at the image's size, RGB: what is ordinary is the image in dimmed grey,
/// what is odd takes the map's colour.
func overlay(_ image: Image, _ heat: HeatMap) -> Image {
  let grey = image.converted(toChannels: 1).pixels
  var pixels: [UInt8] = []
  pixels.reserveCapacity(3 * grey.count)
  for (level, step) in zip(grey, heat.steps) {
    let colour = ColourMap.table[Int(step)]
    let dimmed = 3 * Int(level) / 5 * (255 - Int(step))
    for part in [colour.red, colour.green, colour.blue] {
      pixels.append(UInt8((Int(part) * Int(step) + dimmed) / 255))
    }
  }
  return Image(height: image.height, width: image.width, channels: 3, pixels: pixels)
}

/// An image as it was looked at, the map over it, and the map, side by side; small images are enlarged by a
/// whole factor to at least 112 pixels on their longer side, larger ones are at their own size.
/// - Parameter scale: that of the map: what is above its threshold is outlined, and a legend stands below.
public func sideBySide(_ image: Image, _ heat: HeatMap, scale: HeatScale? = nil) -> Image {
  precondition(
    image.width == heat.width && image.height == heat.height,
    "the map must be \(image.width)x\(image.height), found \(heat.width)x\(heat.height)")
  let factor = enlargement(width: image.width, height: image.height, atLeast: 112)
  let (width, height) = (image.width * factor, image.height * factor)
  let gap = 4
  var canvas = Canvas(
    width: 3 * width + 2 * gap, height: height + (scale == nil ? 0 : Legend.height),
    fill: .background)
  canvas.draw(image, x: 0, y: 0, factor: factor)
  canvas.draw(overlay(image, heat), x: width + gap, y: 0, factor: factor)
  canvas.draw(heat.image, x: 2 * (width + gap), y: 0, factor: factor)
  if let scale {
    if let least = scale.outline {
      for x in [width + gap, 2 * (width + gap)] {
        canvas.outline(heat, above: least, x: x, factor: factor)
      }
    }
    let bar = min(width, 256)
    Legend(scale: scale).draw(on: &canvas, x: 3 * width + 2 * gap - bar, y: height, width: bar)
  }
  return canvas.image
}

/// The least whole factor that brings the longer side to `atLeast` pixels.
func enlargement(width: Int, height: Int, atLeast side: Int) -> Int {
  (side + max(width, height) - 1) / max(width, height)
}

extension Canvas {
  /// A light line with dark sides around what is at least so high.
  fileprivate mutating func outline(_ heat: HeatMap, above least: Int, x left: Int, factor: Int) {
    func isAbove(_ x: Int, _ y: Int) -> Bool {
      (0..<heat.width).contains(x) && (0..<heat.height).contains(y)
        && Int(heat.steps[y * heat.width + x]) >= least
    }
    let thickness = max(1, max(heat.width, heat.height) * factor / 400)
    for (colour, half) in [(Colour.background, 2 * thickness), (Colour.line, thickness)] {
      for y in 0..<heat.height {
        for x in 0..<heat.width where isAbove(x, y) {
          let (px, py) = (left + x * factor, y * factor)
          // Inside of what it is around, so that it stays in its panel.
          if !isAbove(x - 1, y) { fill(x: px, y: py, width: half, height: factor, colour) }
          if !isAbove(x, y - 1) { fill(x: px, y: py, width: factor, height: half, colour) }
          if !isAbove(x + 1, y) {
            fill(x: px + factor - half, y: py, width: half, height: factor, colour)
          }
          if !isAbove(x, y + 1) {
            fill(x: px, y: py + factor - half, width: factor, height: half, colour)
          }
        }
      }
    }
  }
}

/// What the colours stand for: a bar with the values of its ends and its middle.
private struct Legend {
  static let height = 30
  let scale: HeatScale

  func draw(on canvas: inout Canvas, x: Int, y: Int, width: Int) {
    for column in 0..<width {
      let colour = ColourMap.table[column * 255 / max(1, width - 1)]
      canvas.fill(
        x: x + column, y: y + 5, width: 1, height: 9,
        Colour(red: colour.red, green: colour.green, blue: colour.blue))
    }
    let (low, high) = (scale.ends.lowerBound, scale.ends.upperBound)
    let labels = [low, (low + high) / 2, high].map { String(format: "%.3g", Double($0)) }
    for (label, place) in zip(labels, [0, 1, 2]) {
      let length = label.count * BitmapFont.pitch - 1
      canvas.write(label, x: x + (width - length) * place / 2, y: y + 19, size: 1, .text)
    }
  }
}

import Foundation
import Images
import Randomness

/// Something odd that can be made from any normal image: how well a run tells it apart says what kinds of
/// oddness it sees, before it is trusted with others.
public struct Control: Sendable {
  /// How well images made by one control are told from normal ones.
  public struct Result: Codable, Equatable, Sendable {
    public let name: String
    /// The share of pairs of a normal image and one so made that are in order, by the verdict.
    public let auroc: Double
    /// The share that is flagged where 5 % of the normal images are; nil where these are too few to say.
    public let flagged: Double?

    /// Whether they are told apart: better than by chance, by more than chance has.
    public var isToldApart: Bool { auroc >= 0.6 }
  }

  /// Lines for people: how well each is told apart, and which are not.
  public static func table(of results: [Result]) -> String {
    var lines = ["told apart from normal images, made of them on purpose (AUROC, flagged at 5 %):"]
    for result in results {
      let flagged = result.flagged.map { String(format: "%4.0f %%", 100 * $0) } ?? "     -"
      let name = result.name.padding(toLength: 16, withPad: " ", startingAt: 0)
      lines.append("  \(name)\(String(format: "%.3f", result.auroc)) \(flagged)")
    }
    let missed = results.filter { !$0.isToldApart }.map(\.name)
    if !missed.isEmpty {
      lines.append("this run does not see what is \(missed.joined(separator: ", "))")
    }
    return lines.joined(separator: "\n")
  }

  public let name: String
  /// From an image, another one, and draws.
  let make: @Sendable (Image, Image, inout RandomStream) -> Image

  /// How many images of a control are made.
  public static let images = 100

  /// How many of all controls are made from so many images, at most.
  public static func count(from images: Int) -> Int { all.count * min(Self.images, images) }

  public static let all = [
    Control(name: "constant") { image, _, _ in
      let means = (0..<image.channels).map { channel in
        let values = stride(from: channel, to: image.pixels.count, by: image.channels)
        let sum = values.reduce(0) { $0 + Int(image.pixels[$1]) }
        return UInt8(sum * image.channels / image.pixels.count)
      }
      return image.map { index, _ in means[index % means.count] }
    },
    Control(name: "noise") { image, _, stream in
      var pixels = image.pixels
      for index in pixels.indices { pixels[index] = UInt8(truncatingIfNeeded: stream.next() >> 56) }
      return image.with(pixels)
    },
    Control(name: "shuffled pixels") { image, _, stream in
      let order = stream.permutation(of: image.width * image.height)
      let channels = image.channels
      return image.map { index, _ in
        image.pixels[order[index / channels] * channels + index % channels]
      }
    },
    Control(name: "blurred") { image, _, _ in image.blurred },
    Control(name: "mirrored") { image, _, _ in
      image.moved { y, x in (y, image.width - 1 - x) }
    },
    Control(name: "upside down") { image, _, _ in
      image.moved { y, x in (image.height - 1 - y, x) }
    },
    Control(name: "brighter") { image, _, _ in
      image.map { _, value in UInt8(min(255, Int(value) * 13 / 10 + 10)) }
    },
    Control(name: "JPEG") { image, _, _ in image.roughenedAsByJPEG },
    Control(name: "cut and paste") { image, other, stream in
      let (height, width) = (max(1, image.height / 3), max(1, image.width / 3))
      func place(_ side: Int, _ part: Int) -> Int { stream.integer(below: side - part + 1) }
      let (top, left) = (place(image.height, height), place(image.width, width))
      let (fromTop, fromLeft) = (place(image.height, height), place(image.width, width))
      var pixels = image.pixels
      for y in 0..<height {
        for i in 0..<width * image.channels {
          pixels[((top + y) * image.width + left) * image.channels + i] =
            other.pixels[((fromTop + y) * image.width + fromLeft) * image.channels + i]
        }
      }
      return image.with(pixels)
    },
    Control(name: "scratched") { image, _, stream in
      let shade = UInt8(truncatingIfNeeded: stream.next() >> 56)
      let (x0, y0) = (stream.integer(below: image.width), stream.integer(below: image.height))
      let (x1, y1) = (stream.integer(below: image.width), stream.integer(below: image.height))
      let steps = max(abs(x1 - x0), abs(y1 - y0), min(image.width, image.height) / 3)
      var pixels = image.pixels
      for step in 0...max(1, steps) {
        let share = Double(step) / Double(max(1, steps))
        let x = x0 + Int((Double(x1 - x0) * share).rounded())
        let y = y0 + Int((Double(y1 - y0) * share).rounded())
        for channel in 0..<image.channels {
          pixels[(y * image.width + x) * image.channels + channel] = shade
        }
      }
      return image.with(pixels)
    },
  ]
}

extension Image {
  fileprivate func with(_ pixels: [UInt8]) -> Image {
    Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  fileprivate func map(_ body: (_ index: Int, UInt8) -> UInt8) -> Image {
    with(pixels.enumerated().map(body))
  }

  /// Each pixel from another place.
  fileprivate func moved(_ from: (_ y: Int, _ x: Int) -> (y: Int, x: Int)) -> Image {
    map { index, _ in
      let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
      let place = from(pixel / width, pixel % width)
      return pixels[(place.y * width + place.x) * channels + channel]
    }
  }

  /// Each pixel the mean of 3×3, twice over.
  fileprivate var blurred: Image {
    var image = self
    for _ in 0..<2 {
      let last = image
      image = last.map { index, _ in
        let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
        let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
        var (sum, count) = (0, 0)
        for y in max(0, y - 1)...min(height - 1, y + 1) {
          for x in max(0, x - 1)...min(width - 1, x + 1) {
            sum += Int(last.pixels[(y * width + x) * channels + channel])
            count += 1
          }
        }
        return UInt8((sum + count / 2) / count)
      }
    }
    return image
  }
}

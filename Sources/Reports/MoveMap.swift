import Images

/// Where an image was moved, on white: orange where it became brighter, blue where darker, in full colour
/// where by as much as allowed. Of colours the largest move counts.
public func moveMap(from before: Image, to after: Image, most: Int) -> Image {
  precondition(
    before.width == after.width && before.height == after.height
      && before.channels == after.channels && most > 0, "the images differ in shape")
  let (brighter, darker): ([Double], [Double]) = ([230, 97, 1], [33, 102, 172])
  var pixels: [UInt8] = []
  pixels.reserveCapacity(3 * before.width * before.height)
  for first in stride(from: 0, to: before.pixels.count, by: before.channels) {
    let moves = (first..<first + before.channels).map {
      Int(after.pixels[$0]) - Int(before.pixels[$0])
    }
    let move = moves.max { abs($0) < abs($1) }!
    let share = min(1, Double(abs(move)) / Double(most))
    for value in move > 0 ? brighter : darker {
      pixels.append(UInt8((255 + share * (value - 255)).rounded()))
    }
  }
  return Image(height: before.height, width: before.width, channels: 3, pixels: pixels)
}

/// An image, what became of it, and where it was moved: three tiles of a sheet.
package func moveTiles(from before: Image, to after: Image, most: Int) -> [Image] {
  [before, after].map { $0.converted(toChannels: 3) }
    + [moveMap(from: before, to: after, most: most)]
}

extension Image {
  /// The image in grey (1 channel) or RGB (3).
  ///
  /// Grey is the luma of Rec. ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B of the values as stored, in
  /// whole numbers to the nearest, halves up. RGB from grey repeats it.
  public func converted(toChannels newChannels: Int) -> Image {
    precondition(
      newChannels == 1 || newChannels == 3, "an image has 1 or 3 channels, asked for \(newChannels)"
    )
    if newChannels == channels { return self }
    let newPixels: [UInt8] =
      newChannels == 3
      ? pixels.flatMap { [$0, $0, $0] }
      : stride(from: 0, to: pixels.count, by: 3).map { i in
        let (r, g, b) = (Int(pixels[i]), Int(pixels[i + 1]), Int(pixels[i + 2]))
        return UInt8((299 * r + 587 * g + 114 * b + 500) / 1000)
      }
    return Image(height: height, width: width, channels: newChannels, pixels: newPixels)
  }

  /// The image at another size in pixels; its sides are scaled apart, so the aspect ratio may change.
  ///
  /// Each axis by itself goes one way: down by the mean over the area that a new pixel covers, with
  /// exact fractions of the pixels at its border, up by Catmull-Rom interpolation between pixel
  /// centres (Keys 1981, doi:10.1109/TASSP.1981.1163711, a = −1/2), the border pixel repeated outside.
  /// Stored values are taken as linear, computed in single precision, clamped to 0 … 255 and rounded
  /// to the nearest, halves up. The same size gives the same image.
  ///
  /// ```swift
  /// let small = photograph.resized(height: 32, width: 32)
  /// ```
  public func resized(height newHeight: Int, width newWidth: Int) -> Image {
    precondition(
      newWidth > 0 && newHeight > 0, "a size is positive, asked for \(newWidth)x\(newHeight)")
    if newWidth == width && newHeight == height { return self }
    let tall = resampledRows(Window.all(from: height, to: newHeight))
    return Image(
      height: newHeight, width: newWidth, channels: channels,
      pixels: resampledColumns(of: tall, Window.all(from: width, to: newWidth)))
  }

  /// `[height, width, channels] -> [windows, width, channels]`
  private func resampledRows(_ windows: [Window]) -> [Float] {
    let row = width * channels
    var result = [Float](repeating: 0, count: windows.count * row)
    result.withUnsafeMutableBufferPointer { result in
      pixels.withUnsafeBufferPointer { pixels in
        for (y, window) in windows.enumerated() {
          let to = result.baseAddress! + y * row
          for (i, weight) in window.weights.enumerated() {
            let from = pixels.baseAddress! + (window.first + i) * row
            for x in 0..<row { to[x] += weight * Float(from[x]) }
          }
        }
      }
    }
    return result
  }

  /// `[rows, width, channels] -> [rows, windows, channels]`
  private func resampledColumns(of values: [Float], _ windows: [Window]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(values.count / width * windows.count)
    for row in stride(from: 0, to: values.count, by: width * channels) {
      for window in windows {
        let first = row + window.first * channels
        for c in 0..<channels {
          var sum: Float = 0
          for (i, weight) in window.weights.enumerated() {
            sum += weight * values[first + i * channels + c]
          }
          result.append(UInt8(min(max(sum, 0), 255) + 0.5))
        }
      }
    }
    return result
  }
}

/// What one new pixel takes along one axis: neighbouring old pixels and their weights, which sum to 1.
private struct Window {
  var first: Int
  var weights: [Float]

  static func all(from oldCount: Int, to newCount: Int) -> [Window] {
    (0..<newCount).map { i in
      newCount <= oldCount
        ? area(i, from: oldCount, to: newCount) : cubic(i, from: oldCount, to: newCount)
    }
  }

  /// In units of 1 / (old · new) of the side, old pixel j covers j·new ..< (j + 1)·new and new pixel i
  /// covers i·old ..< (i + 1)·old: whole numbers, so that the fractions are exact.
  private static func area(_ i: Int, from oldCount: Int, to newCount: Int) -> Window {
    let (start, end) = (i * oldCount, (i + 1) * oldCount)
    let first = start / newCount
    let last = (end - 1) / newCount
    return Window(
      first: first,
      weights: (first...last).map { j in
        Float(min(end, (j + 1) * newCount) - max(start, j * newCount)) / Float(oldCount)
      })
  }

  private static func cubic(_ i: Int, from oldCount: Int, to newCount: Int) -> Window {
    let centre = (Double(i) + 0.5) * Double(oldCount) / Double(newCount) - 0.5
    let before = Int(centre.rounded(.down))
    let t = Float(centre - Double(before))
    // Keys's kernel at distances 1 + t, t, 1 − t and 2 − t.
    let taps = [
      ((-0.5 * t + 1) * t - 0.5) * t,
      (1.5 * t - 2.5) * t * t + 1,
      ((-1.5 * t + 2) * t + 0.5) * t,
      (0.5 * t - 0.5) * t * t,
    ]
    func clamped(_ j: Int) -> Int { min(max(j, 0), oldCount - 1) }
    let first = clamped(before - 1)
    var weights = [Float](repeating: 0, count: clamped(before + 2) - first + 1)
    for (k, tap) in taps.enumerated() { weights[clamped(before - 1 + k) - first] += tap }
    return Window(first: first, weights: weights)
  }
}

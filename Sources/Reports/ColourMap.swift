import Foundation
import Images

/// 256 colours from almost black over violet and orange to almost white.
///
/// Equal steps of the value look like equal steps of lightness, and lightness alone tells the value
/// (in print, or to a colour-blind reader): the map is a straight line in the lightness L of OKLab
/// (Ottosson 2020, "A perceptual color space for image processing"), with a hue that turns from
/// violet to yellow and a chroma that stays within sRGB.
public enum ColourMap {
  /// The colours as R, G, B, 0 … 255.
  public static let table: [(red: UInt8, green: UInt8, blue: UInt8)] = (0..<256).map { step in
    let value = Double(step) / 255
    return sRGB(
      lightness: 0.13 + 0.85 * value, chroma: 0.2 * sin(.pi * value),
      hue: (285 + 175 * value) * .pi / 180)
  }

  /// From the polar form of OKLab, hue in radians, to sRGB with its transfer curve.
  private static func sRGB(
    lightness: Double, chroma: Double, hue: Double
  ) -> (red: UInt8, green: UInt8, blue: UInt8) {
    let (a, b) = (chroma * cos(hue), chroma * sin(hue))
    let l = pow(lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b, 3)
    let m = pow(lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b, 3)
    let s = pow(lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b, 3)
    func byte(_ linear: Double) -> UInt8 {
      let inside = min(max(linear, 0), 1)
      let curved = inside <= 0.003_130_8 ? 12.92 * inside : 1.055 * pow(inside, 1 / 2.4) - 0.055
      return UInt8((curved * 255).rounded())
    }
    return (
      byte(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
      byte(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
      byte(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s)
    )
  }
}

/// Digits, capitals, a small p and the signs that numbers need, 5 by 7 dots each: enough for captions without a
/// font library.
enum BitmapFont {
  static let height = 7
  /// Dots from one character to the next.
  static let pitch = 6

  /// The dots that make up a character. Small letters other than p are written as capitals, and a
  /// character that the font lacks as an empty box.
  static func dots(of character: Character) -> [(x: Int, y: Int)] {
    glyphs[character] ?? glyphs[Character(String(character.uppercased().prefix(1)))]
      ?? glyphs["\u{25A1}"]!
  }

  private static let glyphs: [Character: [(x: Int, y: Int)]] = {
    var glyphs: [Character: [(x: Int, y: Int)]] = [" ": []]
    for (characters, drawing) in drawings {
      for (y, line) in drawing.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      {
        for (column, dot) in line.enumerated() where dot == "#" {
          let character = Array(characters)[column / pitch]
          glyphs[character, default: []].append((column % pitch, y))
        }
      }
    }
    return glyphs
  }()

  /// Characters, and how they look side by side, `pitch` columns each.
  private static let drawings = [
    (
      "0123456789",
      """
       ###    #    ###   ###     #  #####   ##  #####  ###   ###
      #   #  ##   #   # #   #   ##  #      #        # #   # #   #
      #  ##   #       #     #  # #  ####  #        #  #   # #   #
      # # #   #      #    ##  #  #      # ####    #    ###   ####
      ##  #   #     #       # #####     # #   #   #   #   #     #
      #   #   #    #    #   #    #  #   # #   #  #    #   #    #
       ###   ###  #####  ###     #   ###   ###   #     ###   ##
      """
    ),
    (
      "ABCDEFGHIJKLM",
      """
       ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   #
      #   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ##
      #   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # #
      ##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # #
      #   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   #
      #   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   #
      #   # ####   ###  ####  ##### #      ###  #   #  ###   ##   #   # ##### #   #
      """
    ),
    (
      "NOPQRSTUVWXYZ",
      """
      #   #  ###  ####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####
      ##  # #   # #   # #   # #   # #       #   #   # #   # #   # #   # #   #     #
      # # # #   # #   # #   # #   # #       #   #   # #   # #   #  # #   # #     #
      #  ## #   # ####  #   # ####   ###    #   #   # #   # # # #   #     #     #
      #   # #   # #     # # # # #       #   #   #   # #   # # # #  # #    #    #
      #   # #   # #     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #
      #   #  ###  #      ## # #   # ####    #    ###    #   #   # #   #   #   #####
      """
    ),
    (
      ".-+=%\u{25A1}p",
      """
                              ##    #####
                    #         ##  # #   #
                    #   #####    #  #   # ####
            ##### #####         #   #   # #   #
                    #   #####  #    #   # #   #
        ##          #         #  ## #   # ####
        ##                       ## ##### #
      """
    ),
  ]
}

import ArgumentParser

extension Train {
  static let configuration = CommandConfiguration(
    abstract: "Learn the density of a set of images.",
    discussion: """
      Example: scanline train photos --run runs/photos --model pixelcnn --size 32x32 --minutes 20

      Ctrl-C stops after the step under way, with a checkpoint; again, it ends at once. Then, or \
      after a crash, the same DATA and RUN with --resume go on, and with --epochs reach the same \
      weights as if nothing had happened. A stopped training ends with status 130 (TERM 143, HUP 129).

      Without flags that say what to learn, images of one size up to 64x64 are learned whole. Larger \
      ones get two experts, neither of them told what is odd: local-pixelcnn learns texture from \
      random crops at half their size, a Gaussian density what belongs where.

      Some images are set aside (of 240 or more), neither trained nor validated on: flag, score and \
      compare rank later ones among these. Near-duplicates stay on one side, and with --group-by all \
      of a folder, or all whose names have the same match of an expression \
      (--group-by 'part-([0-9]+)').

      --model NAME alone is enough: it brings batch, learning rate and length, at least 20 epochs and \
      2000 steps; networks with dropout, on fewer than 10000 images, get 0.2 of it and weight decay \
      0.05 (scanline models lists the rest).

      --flip, --shift and --rotate change the training images at random, anew in each epoch, so that \
      few of them teach more; the images validated on, and all that are scored, stay as they are. \
      --orders teaches one model several orders of the pixels, over which evaluate and score then \
      average; validation is in the first of them, row by row.

      The weights kept are the best by validation, and a training ends early where validation does \
      not improve. A finished run is taken further by --resume with a larger --epochs (or --minutes) \
      than it had: from the best weights, by a learning rate that rises and falls anew over the rest.
      """)
}

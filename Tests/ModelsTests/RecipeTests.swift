import Models
import Tensors
import Testing

@Suite struct RecipeTests {
  @Test(
    "every family has a recipe of at least 20 epochs and 2000 steps",
    arguments: [nil, 1, 60, 2_400, 50_000])
  func steps(_ images: Int?) {
    for family in ModelFamily.all where !family.isClosedForm {
      let recipe = family.recipe(images: images)
      #expect(recipe.batch > 0 && recipe.learningRate > 0 && recipe.epochs >= 20)
      guard let images else { continue }
      let steps = recipe.epochs * ((images + recipe.batch - 1) / recipe.batch)
      #expect(steps >= 2_000, "\(family.name)")
      // No more than it takes.
      #expect(recipe.epochs == 20 || steps < 2_000 + images)
    }
  }

  @Test("networks are held back where images are few, and only they")
  func heldBack() throws {
    let pixelCNN = try #require(ModelFamily.named("pixelcnn"))
    #expect(pixelCNN.recipe(images: 9_999).settings == ["dropout": "0.2"])
    #expect(pixelCNN.recipe(images: 9_999, by: .adamw).weightDecay == 0.05)
    #expect(pixelCNN.recipe(images: 10_000).settings.isEmpty)
    #expect(pixelCNN.recipe(by: .adamw).weightDecay == 0)
    let nade = try #require(ModelFamily.named("nade"))
    #expect(nade.recipe(images: 60).settings.isEmpty && nade.recipe(images: 60).weightDecay == 0)
  }

  @Test("weights that Muon moves decay, whose ever it is", arguments: [60, 50_000])
  func muon(_ images: Int) throws {
    for family in ModelFamily.all {
      #expect(family.recipe(images: images, by: .muon).weightDecay == Recipe.muonDecay)
      let decays = family.recipe(images: images).weightDecay == Recipe.muonDecay
      #expect(decays == (family.optimiser == .muon), "\(family.name)")
    }
  }
}

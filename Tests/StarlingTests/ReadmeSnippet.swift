// The snippet of README.md, compiled and run by LibraryTests. What stands between the marks is compared with the page.
// begin
import Starling

func recommend(from file: String, to user: String) throws {
    let workers = Workers()
    let ratings = try InteractionReader.read(file, options: ReadingOptions(), workers: workers).log
    let parts = try ratings.split(.random(validation: 0.1, test: 0), seed: 42)
    let trainer = try MatrixFactorization.trainer(on: parts.train, validation: parts.validation, workers: workers)
    let result = try TrainingLoop(epochs: 20).train(trainer)
    print("RMSE", result.metrics["val_rmse"]!)
    let model = try Recommender(trainer.weights, trainedOn: parts.train, workers: workers)
    for found in try model.recommend(for: user, count: 10) { print(found.item, found.score) }
}
// end

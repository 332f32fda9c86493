import Testing
import Training

@Suite struct WatchedMetricTests {
    @Test func directions() {
        for name in ["rmse", "val_rmse", "val_mae", "val_loss", "train_loss"] {
            #expect(WatchedMetric(name).smallerIsBetter, "\(name)")
        }
        for name in ["val_ndcg@10", "recall@20", "val_hit_rate@5", "auc", "coverage@10", "val_mrr@10"] {
            #expect(!WatchedMetric(name).smallerIsBetter, "\(name)")
        }
        #expect(WatchedMetric("val_rmse").isBetter(0.8, than: 0.9))
        #expect(!WatchedMetric("val_rmse").isBetter(0.8, than: 0.9, by: 0.2))
        #expect(WatchedMetric("auc").isBetter(0.9, than: 0.8))
        #expect(!WatchedMetric("auc").isBetter(0.8, than: 0.8))
    }

    /// Values so small an improvement that patience runs out, though each is the best so far.
    @Test func minimumImprovement() throws {
        var loop = TrainingLoop(epochs: 20)
        loop.earlyStopping = EarlyStopping(
            metric: WatchedMetric("val_rmse"), patience: 2, minimumImprovement: 0.1)
        let trainer = FakeTrainer()
        trainer.lossOf = { [0, 1, 0.8, 0.75, 0.72, 0.69, 0.68, 0.67][$0] }
        // 1 → 0.8 counts; 0.75 and 0.72 do not.
        let result = try loop.train(trainer)
        #expect(result.epochs.count == 4)
        #expect(result.bestEpoch == 4)
    }
}

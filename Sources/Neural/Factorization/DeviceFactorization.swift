import Basics
public import Factorization
public import Interactions
public import Kernels
public import Torch
public import Training

/// ``Factorization/MatrixFactorization`` on a device: the same model, and the steps of its optimiser `adam` with the same
/// options, starting factors and order of ratings. Weights agree with the CPU's but for rounding and, with dropout, other
/// random numbers.
///
/// Ratings lie on the device, and a step asks nothing of the CPU but its operators.
public enum DeviceFactorization {
    /// - Throws: `usage` for options out of range or another optimiser; `unavailable` without LibTorch or the device;
    ///   `badData` for a history without ratings.
    public static func trainer(
        on history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog? = nil,
        options: MatrixFactorizationOptions, device: Device, workers: Workers
    ) throws -> any EpochTrainer {
        try options.validate()
        guard options.optimizer == .adam else {
            throw StarlingError(
                .usage, "\(options.optimizer) steps at every rating, one after the other, which is for the CPU",
                remedy: "use --optimizer adam, or --device cpu")
        }
        try MatrixFactorization.requireRatings(history)
        try device.require()
        try TorchLibrary.opened().setThreads(workers.count)
        return try DeviceFactorizationTrainer(
            history: history, validation: validation, options: options, device: device, workers: workers)
    }
}

/// Where a training is told of besides the console.
package struct TrackingOptions: Sendable {
    /// A folder of logs for TensorBoard.
    package let tensorBoard: String?
}

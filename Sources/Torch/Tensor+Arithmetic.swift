// Operators as methods: shapes broadcast as NumPy's do, and all throw `failed` with operator, shapes and types where they do
// not fit. What is not here is a ``TorchOperator`` away.
extension Tensor {
    public func adding(_ other: Tensor) throws -> Tensor { try Operators.add.tensor(.tensor(self), .tensor(other)) }
    public func adding(_ number: Double) throws -> Tensor {
        try Operators.addScalar.tensor(.tensor(self), .number(number))
    }
    public func subtracting(_ other: Tensor) throws -> Tensor {
        try Operators.sub.tensor(.tensor(self), .tensor(other))
    }
    public func multiplied(by other: Tensor) throws -> Tensor {
        try Operators.mul.tensor(.tensor(self), .tensor(other))
    }
    public func multiplied(by number: Double) throws -> Tensor {
        try Operators.mulScalar.tensor(.tensor(self), .number(number))
    }
    public func divided(by other: Tensor) throws -> Tensor { try Operators.div.tensor(.tensor(self), .tensor(other)) }

    /// The matrix product, of the last two axes.
    public func matmul(_ other: Tensor) throws -> Tensor {
        try Operators.matmul.tensor(.tensor(self), .tensor(other))
    }

    /// With two axes swapped; shares memory.
    public func transposed(_ one: Int = -2, _ other: Int = -1) throws -> Tensor {
        try Operators.transpose.tensor(.tensor(self), .integer(one), .integer(other))
    }

    /// With the same elements in another shape; one length may be −1. Shares memory where it can.
    public func reshaped(_ shape: [Int]) throws -> Tensor {
        try Operators.reshape.tensor(.tensor(self), .integers(shape))
    }

    /// `count` places of an axis from `start`; shares memory.
    public func narrowed(axis: Int, from start: Int, count: Int) throws -> Tensor {
        try Operators.narrow.tensor(.tensor(self), .integer(axis), .integer(start), .integer(count))
    }

    /// The rows of `indices` (int64) along an axis.
    public func selecting(_ indices: Tensor, axis: Int = 0) throws -> Tensor {
        try Operators.indexSelect.tensor(.tensor(self), .integer(axis), .tensor(indices))
    }

    /// Tensors behind one another along an axis.
    public static func concatenated(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
        try Operators.cat.tensor(.tensors(tensors), .integer(axis))
    }

    public func sum() throws -> Tensor { try Operators.sum.tensor(.tensor(self)) }
    public func sum(axes: [Int], keepingAxes: Bool = false) throws -> Tensor {
        try Operators.sumAxes.tensor(.tensor(self), .integers(axes), .bool(keepingAxes))
    }
    public func mean() throws -> Tensor { try Operators.mean.tensor(.tensor(self)) }

    public func relu() throws -> Tensor { try Operators.relu.tensor(.tensor(self)) }
    public func gelu() throws -> Tensor { try Operators.gelu.tensor(.tensor(self)) }
    public func sigmoid() throws -> Tensor { try Operators.sigmoid.tensor(.tensor(self)) }
    public func logSigmoid() throws -> Tensor { try Operators.logSigmoid.tensor(.tensor(self)) }
    public func softmax(axis: Int) throws -> Tensor {
        try Operators.softmax.tensor(.tensor(self), .integer(axis))
    }

    /// Rows of length one; a row of zeros stays.
    public func normalized() throws -> Tensor {
        let norms = try Operators.vectorNorm.tensor(.tensor(self), .number(2), .integers([-1]), .bool(true))
        return try divided(by: Operators.clampMinimum.tensor(.tensor(norms), .number(1e-12)))
    }

    /// A copy of another type or on another device; itself if it is that already.
    public func to(_ dtype: DType? = nil, _ device: Device? = nil) throws -> Tensor {
        let target = device ?? self.device
        if dtype ?? self.dtype == self.dtype && target == self.device { return self }
        return try Operators.to.tensor(
            .tensor(self),
            named: [
                "dtype": .dtype(dtype ?? self.dtype), "device": .device(target),
                // Whoever reads the CPU's memory does not wait for a device.
                "non_blocking": .bool(target != .cpu),
            ])
    }

    /// The same elements in C order.
    public func contiguous() throws -> Tensor { try Operators.contiguous.tensor(.tensor(self)) }

    // Changes of the tensor itself.
    @discardableResult public func addInPlace(_ other: Tensor, times factor: Double = 1) throws -> Tensor {
        try Operators.addInPlace.call([.tensor(self), .tensor(other)], named: ["alpha": .number(factor)])
        return self
    }
    @discardableResult public func multiplyInPlace(by number: Double) throws -> Tensor {
        try Operators.mulScalarInPlace.call([.tensor(self), .number(number)])
        return self
    }
    @discardableResult public func copyInPlace(from other: Tensor) throws -> Tensor {
        try Operators.copyInPlace.call([.tensor(self), .tensor(other)])
        return self
    }
    @discardableResult public func zeroInPlace() throws -> Tensor {
        try Operators.zeroInPlace.call([.tensor(self)])
        return self
    }

    /// Fills it with random numbers from `range`, of the device's generator.
    @discardableResult public func uniformInPlace(_ range: Range<Double>) throws -> Tensor {
        try Operators.uniformInPlace.call([.tensor(self), .number(range.lowerBound), .number(range.upperBound)])
        return self
    }
    @discardableResult public func normalInPlace(mean: Double = 0, deviation: Double) throws -> Tensor {
        try Operators.normalInPlace.call([.tensor(self), .number(mean), .number(deviation)])
        return self
    }
}

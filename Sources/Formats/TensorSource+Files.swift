import Basics

extension SafeTensorsFile {
    /// All tensors on their way into another file.
    public func sources() -> [TensorSource] { names.map { views[$0]!.source } }
}

extension PTHFile {
    /// All tensors on their way into another file: each is read, and its checksum compared, when it is written, and only one
    /// at a time is copied where it has to be.
    public func sources() -> [TensorSource] {
        names.map { name in
            let tensor = tensors[name]!
            return TensorSource(name: name, elementType: tensor.elementType, shape: tensor.shape) { sink in
                try self.tensor(name).withUnsafeBytes(sink)
            }
        }
    }
}

extension NPZFile {
    /// All arrays on their way into another file: each is read, and its checksum compared, when it is written.
    /// - Throws: `badData` naming an array of text.
    /// - Complexity: O(headers).
    public func sources() throws -> [TensorSource] {
        try names.map { name in
            let header = try stream(name)
            guard case .number(let type) = header.element else {
                throw Subject(file: path, part: "array “\(name)”").damaged(
                    "it holds text (\(header.element)), which no tensor can",
                    remedy: "save the numbers to a file of their own")
            }
            return TensorSource(name: name, elementType: type, shape: header.shape) { sink in
                try self.array(name).withUnsafeBytes(sink)
            }
        }
    }
}

extension TensorView {
    fileprivate var source: TensorSource {
        TensorSource(name: name, elementType: elementType, shape: shape) { sink in try withUnsafeBytes(sink) }
    }
}

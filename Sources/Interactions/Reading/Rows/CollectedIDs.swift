/// A column of ids that come one after another, or batch by batch.
struct CollectedIDs {
    private(set) var sink = IDSink(isInterning: false)
    var column = PartedColumn<UInt32>()

    /// - Precondition: the cell is an id.
    mutating func take(_ id: InteractionCollector.Cell) {
        var entry = entry(id)
        if !sink.isInterning, sink.hasMetText {
            makeTexts()
            entry = self.entry(id)
        }
        column.append(entry)
    }

    /// Takes ids as another sink, that is interning if this one is, has written them. They are overwritten.
    mutating func take(_ batch: UnsafeMutableBufferPointer<UInt32>, of other: IDSink) {
        if sink.isInterning {
            let numbers = (0..<other.interner.count).map { own in other.interner.withID(own) { sink.take($0) } }
            for index in batch.indices { batch[index] = numbers[Int(batch[index])] }
        } else {
            sink.greatest = max(sink.greatest, other.greatest)
        }
        column.append(contentsOf: UnsafeBufferPointer(batch))
    }

    /// What came so far was numbers: they become texts, as what comes will be.
    mutating func makeTexts() {
        sink = IDSink(isInterning: true)
        column.forEach { number in
            var text = String(number)
            number = text.withUTF8 { sink.take($0) }
        }
    }

    private mutating func entry(_ id: InteractionCollector.Cell) -> UInt32 {
        switch id {
        case .integer(let number): sink.take(integer: number)
        case .number(let number): sink.take(integer: Int64(number))
        case .text(let text): sink.take(text)
        case .null, .other: preconditionFailure("no id")
        }
    }
}

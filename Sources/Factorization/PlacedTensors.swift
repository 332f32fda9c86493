import Basics
import Formats
import Kernels

// Tables whose rows stand at places, written and read in row order. There are as many rows as places, where places are
// given: a table may hold other rows in between.

extension FactorParameters {
    /// `[rows × width]` in row order.
    func rows(_ name: String, of table: borrowing FactorTable, _ places: [UInt32]?) -> TensorSource {
        let (base, stride, width, rows) = (table.base, table.stride, table.width, places?.count ?? table.rows)
        return TensorSource(name: name, elementType: .float32, shape: [rows, width]) { [self] sink in
            try withExtendedLifetime(self) {
                for row in 0..<rows {
                    let place = places.map { Int($0[row]) } ?? row
                    try sink(UnsafeRawBufferPointer(start: base + place * stride, count: width * 4))
                }
            }
        }
    }

    /// `[rows]` in row order.
    func rows(_ name: String, of column: FloatColumn, _ places: [UInt32]?) -> TensorSource {
        let rows = places?.count ?? column.count
        return TensorSource(name: name, elementType: .float32, shape: [rows]) { sink in
            let ordered = (0..<rows).map { row in column.base[places.map { Int($0[row]) } ?? row] }
            try ordered.withUnsafeBytes(sink)
        }
    }

    func restore(
        _ name: String, to table: borrowing FactorTable, _ places: [UInt32]?, from file: SafeTensorsFile
    ) throws {
        let tensor = try file.tensor(name)
        let rows = places?.count ?? table.rows
        try tensor.expect(.float32, shape: [rows, table.width])
        for row in 0..<rows {
            let place = places.map { Int($0[row]) } ?? row
            let bytes = UnsafeRawBufferPointer(
                rebasing: tensor.bytes[row * table.width * 4..<(row + 1) * table.width * 4])
            UnsafeMutableRawBufferPointer(table.row(place)).copyMemory(from: bytes)
        }
    }

    func restore(_ name: String, to column: FloatColumn, _ places: [UInt32]?, from file: SafeTensorsFile) throws {
        let tensor = try file.tensor(name)
        try tensor.expect(.float32, shape: [places?.count ?? column.count])
        for (row, value) in try tensor.floats().enumerated() {
            column.base[places.map { Int($0[row]) } ?? row] = value
        }
    }
}

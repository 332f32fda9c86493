/// Fields of the usual kind, read in one go. Each returns nil, and the line goes to the general parser, where the
/// text is anything else. They read up to the first byte that does not belong; a line end never does.

/// A canonical integer in `0...2³² − 2`.
@inline(__always)
func plainID(_ position: inout UnsafePointer<UInt8>) -> UInt32? {
    let start = position
    var number: UInt64 = 0
    var digit = position.pointee &- 48
    while digit < 10 {
        number = number &* 10 &+ UInt64(digit)
        position += 1
        digit = position.pointee &- 48
    }
    let digits = position - start
    guard digits > 0, digits <= 10, number < UInt64(UInt32.max), digits == 1 || start.pointee != 48 else { return nil }
    return UInt32(truncatingIfNeeded: number)
}

/// `-?digits[.digits]` with at most 7 digits in all, so that number and power of ten are exact floats and one
/// division rounds correctly.
@inline(__always)
func plainValue(_ position: inout UnsafePointer<UInt8>) -> Float? {
    let isNegative = position.pointee == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let start = position
    var number: UInt32 = 0
    var digit = position.pointee &- 48
    while digit < 10 {
        number = number &* 10 &+ UInt32(digit)
        position += 1
        digit = position.pointee &- 48
    }
    var digits = position - start
    let value: Float
    if position.pointee == UInt8(ascii: ".") {
        position += 1
        let point = position
        var power: Float = 1
        digit = position.pointee &- 48
        while digit < 10 {
            number = number &* 10 &+ UInt32(digit)
            power *= 10
            position += 1
            digit = position.pointee &- 48
        }
        digits += position - point
        value = Float(number) / power
    } else {
        value = Float(number)
    }
    guard digits > 0, digits <= 7 else { return nil }
    return isNegative ? -value : value
}

/// `-?digits`, at most 18 of them.
@inline(__always)
func plainTime(_ position: inout UnsafePointer<UInt8>) -> Int64? {
    let isNegative = position.pointee == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let start = position
    var number: Int64 = 0
    var digit = position.pointee &- 48
    while digit < 10 {
        number = number &* 10 &+ Int64(digit)
        position += 1
        digit = position.pointee &- 48
    }
    let digits = position - start
    guard digits > 0, digits <= 18 else { return nil }
    return isNegative ? -number : number
}

/// What column names mean.
enum HeaderNames {
    /// The name in lower case, letters and digits only; a RecBole type (`user_id:token`) is taken off.
    static func plain(_ name: String) -> String {
        let name = untyped(name) ?? Substring(name)
        return String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    }

    /// The name before a RecBole type, or nil if there is none.
    static func untyped(_ name: String) -> Substring? {
        guard let colon = name.lastIndex(of: ":"),
            ["token", "float", "token_seq", "float_seq"].contains(name[name.index(after: colon)...])
        else { return nil }
        return name[..<colon]
    }

    static func role(_ name: String) -> TextForm.Role {
        let name = plain(name)
        if users.contains(name) { return .user }
        if items.contains(name) { return .item }
        if values.contains(name) { return .value }
        return name == "ts" || name == "unixreviewtime" || name.hasPrefix("time") ? .time : .skip
    }

    /// Whether it names one of several items of a row: `movieId_1`.
    static func isNumberedItem(_ name: String) -> Bool {
        let name = plain(name), stem = name.prefix { !$0.isNumber }
        return stem.count < name.count && items.contains(String(stem))
            && name.dropFirst(stem.count).allSatisfy(\.isNumber)
    }

    private static let users: Set = [
        "user", "userid", "uid", "username", "reviewerid", "customer", "customerid", "member", "memberid", "visitorid",
    ]
    private static let items: Set = [
        "item", "itemid", "iid", "movie", "movieid", "film", "filmid", "product", "productid", "book", "bookid",
        "isbn", "asin", "parentasin", "track", "trackid", "song", "songid", "artist", "artistid", "article",
        "articleid", "business", "businessid",
    ]
    private static let values: Set = [
        "rating", "ratings", "score", "value", "stars", "count", "plays", "playcount", "weight",
    ]
}

import ArgumentParser

/// Where a Supabase project is, and who asks.
struct SupabaseFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Find supabase: tables in this project, https://REF.supabase.co. Default: SUPABASE_URL of the environment.",
            valueName: "url"))
    var supabaseUrl: String?

    @Option(
        help: ArgumentHelp(
            "Its key; others on this machine see what is typed, so SUPABASE_KEY or a file are better.", valueName: "key"
        ))
    var supabaseKey: String?

    @Option(help: ArgumentHelp("Read its key from the first line of this file.", valueName: "file"))
    var supabaseKeyFile: String?

    var key: SupabaseKey { SupabaseKey(url: supabaseUrl, key: supabaseKey, file: supabaseKeyFile) }
}

/// What was given of a Supabase project; the rest is the environment's.
package struct SupabaseKey: Sendable {
    package let url, key, file: String?
}

/// What this build is; recorded in every run.
public enum Release {
    /// The version of Starling.
    public static let version = "0.1.0"

    /// The Swift language release that this was built with, as far as a program can tell.
    #if compiler(>=6.4)
    public static let swift = "6.4 or later"
    #elseif compiler(>=6.3)
    public static let swift = "6.3"
    #elseif compiler(>=6.2)
    public static let swift = "6.2"
    #else
    public static let swift = "6.1"
    #endif
}

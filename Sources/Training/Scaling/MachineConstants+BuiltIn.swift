import Basics

extension MachineConstants {
    /// What `starling plan --calibrate --json` printed on the machine that Starling was written on, to three digits, the name apart.
    package static let builtIn: MachineConstants = {
        let text = """
            {
              "cache_bytes": 33554432,
              "cg": {
                "efficiency": 1,
                "points": [
                  {
                    "factors": 32,
                    "interaction_seconds": 1.27e-08,
                    "row_seconds": 2.62e-07
                  },
                  {
                    "factors": 64,
                    "interaction_seconds": 2.69e-08,
                    "row_seconds": 5.34e-07
                  },
                  {
                    "factors": 128,
                    "interaction_seconds": 6.22e-08,
                    "row_seconds": 1.6e-06
                  }
                ]
              },
              "cholesky": {
                "efficiency": 0.99,
                "points": [
                  {
                    "factors": 32,
                    "interaction_seconds": 1.77e-08,
                    "row_seconds": 9.44e-07
                  },
                  {
                    "factors": 64,
                    "interaction_seconds": 5.19e-08,
                    "row_seconds": 3.16e-06
                  },
                  {
                    "factors": 128,
                    "interaction_seconds": 1.77e-07,
                    "row_seconds": 1.33e-05
                  }
                ]
              },
              "gram_seconds": 2.13e-11,
              "instruction_set": "avx512",
              "link": {
                "bandwidth": 2940000000.0,
                "latency": 3.5e-06
              },
              "link_measured": true,
              "machine": "vm",
              "measured": "2026-11-24T02:06:05Z",
              "memory_bandwidth": 43900000000.0,
              "mf": {
                "efficiency": 1,
                "points": [
                  {
                    "factors": 32,
                    "rating_seconds": 6.26e-09,
                    "row_seconds": 5.82e-09
                  },
                  {
                    "factors": 64,
                    "rating_seconds": 8.89e-09,
                    "row_seconds": 1.09e-08
                  },
                  {
                    "factors": 128,
                    "rating_seconds": 1.55e-08,
                    "row_seconds": 3.48e-08
                  }
                ]
              },
              "others": 0.0093,
              "processors": 2,
              "two_tower": {
                "efficiency": 0.939,
                "multiply_add_seconds": 2.11e-11,
                "sample_seconds": 1.49e-06
              }
            }
            """
        return try! JSON.decode(MachineConstants.self, from: Array(text.utf8), file: "built-in figures")
    }()
}

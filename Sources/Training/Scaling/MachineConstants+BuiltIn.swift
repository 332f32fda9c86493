import Basics

extension MachineConstants {
    /// What `starling plan --calibrate --json` printed on the machine that Starling was written on, to three digits, the name apart.
    package static let builtIn: MachineConstants = {
        let text = """
            {
              "cache_bytes": 33554432,
              "cg": {
                "efficiency": 0.83,
                "points": [
                  {
                    "factors": 32,
                    "interaction_seconds": 1.23e-08,
                    "row_seconds": 2.46e-07
                  },
                  {
                    "factors": 64,
                    "interaction_seconds": 2.13e-08,
                    "row_seconds": 4.88e-07
                  },
                  {
                    "factors": 128,
                    "interaction_seconds": 5.82e-08,
                    "row_seconds": 8.93e-07
                  }
                ]
              },
              "cholesky": {
                "efficiency": 0.959,
                "points": [
                  {
                    "factors": 32,
                    "interaction_seconds": 1.72e-08,
                    "row_seconds": 1.07e-06
                  },
                  {
                    "factors": 64,
                    "interaction_seconds": 5.62e-08,
                    "row_seconds": 3.54e-06
                  },
                  {
                    "factors": 128,
                    "interaction_seconds": 1.9e-07,
                    "row_seconds": 1.26e-05
                  }
                ]
              },
              "gram_seconds": 2.13e-11,
              "instruction_set": "avx512",
              "link": {
                "bandwidth": 1080000000.0,
                "latency": 9.8e-05
              },
              "link_measured": true,
              "machine": "2 processors of an AMD EPYC",
              "measured": "2026-11-23T13:43:45Z",
              "memory_bandwidth": 23700000000.0,
              "mf": {
                "efficiency": 0.758,
                "points": [
                  {
                    "factors": 32,
                    "rating_seconds": 7.47e-09
                  },
                  {
                    "factors": 64,
                    "rating_seconds": 1.01e-08
                  },
                  {
                    "factors": 128,
                    "rating_seconds": 1.89e-08
                  }
                ]
              },
              "others": 0.535,
              "processors": 2,
              "two_tower": {
                "efficiency": 0.35,
                "multiply_add_seconds": 1.03e-11,
                "sample_seconds": 3.8e-06
              }
            }
            """
        return try! JSON.decode(MachineConstants.self, from: Array(text.utf8), file: "built-in figures")
    }()
}

import Basics
import LocalRanks
import StarlingCommand
import Testing
import Torch
import Training

/// What ranks are started with, where they find each other, and who is to blame for their end.
@Suite struct RankTests {
    private func place(_ variables: [String: String]) throws -> ProcessGroup.Rendezvous? {
        try rendezvous { variables[$0] }
    }

    private func expectUsage(_ variables: [String: String], _ words: String) {
        #expect {
            try place(variables)
        } throws: {
            ($0 as? StarlingError)?.code == .usage && ($0 as? StarlingError)?.description.contains(words) == true
        }
    }

    static let torchrun = ["RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "host", "MASTER_PORT": "29400"]

    static let slurm = [
        "SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "2", "SLURM_LAUNCH_NODE_IPADDR": "10.1.2.3",
        "SLURM_JOB_ID": "70042",
    ]

    static func vertex(_ pool: String, _ index: Int, first: String = "a-0:2222", others: Int = 2) -> [String: String] {
        let more = (0..<others).map { "\"b-\($0):2222\"" }.joined(separator: ", ")
        return [
            "CLUSTER_SPEC": """
            {"cluster": {"workerpool0": ["\(first)"], "workerpool1": [\(more)]}, \
            "environment": "cloud", "task": {"type": "\(pool)", "index": \(index)}}
            """
        ]
    }

    /// A rank of another version is named on all.
    @Test func otherVersionsAreRefused() {
        let outcomes = LocalRanks.outcomes(3) { ranks in
            var record = RunRecord(
                model: "als", configuration: ["factors": .integer(8)], data: .init(source: "", fingerprint: ""),
                isa: "baseline")
            if ranks.rank == 2 { record.versions.starling = "0.0.1" }
            try TrainingRanks.agree(ranks, on: record)
        }
        for outcome in outcomes {
            #expect {
                try outcome.get()
            } throws: {
                ($0 as? StarlingError)?.code == .usage
                    && ($0 as? StarlingError)?.what.contains(
                        "rank 2 was started differently: starling's version is 0.0.1")
                        == true
            }
        }
    }

    /// Ranks may have other GPUs, but not one a GPU and another none.
    @Test(arguments: [(["cuda:0", "cuda:1", "cuda:0"], true), (["cuda:0", "cuda:1", "cpu"], false)])
    func ranksHaveGPUsOfTheirOwn(devices: [String], isFine: Bool) {
        let outcomes = LocalRanks.outcomes(3) { ranks in
            let record = RunRecord(
                model: "two-tower", configuration: ["device": .string(devices[ranks.rank])],
                data: .init(source: "", fingerprint: ""), isa: "baseline")
            try TrainingRanks.agree(ranks, on: record)
        }
        for outcome in outcomes {
            if isFine {
                #expect(throws: Never.self) { try outcome.get() }
                continue
            }
            #expect {
                try outcome.get()
            } throws: {
                ($0 as? StarlingError)?.what.contains("rank 2 was started differently: --device is") == true
            }
        }
    }

    @Test func oneProcessIsNoRank() throws {
        #expect(try place([:]) == nil)
        #expect(try place(["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"]) == nil)
        #expect(try place(Self.vertex("workerpool0", 0, others: 0)) == nil)
        // Whatever else is set.
        #expect(try place(Self.slurm.merging(["WORLD_SIZE": "1"]) { $1 }) == nil)
    }

    @Test func torchrunComesFirst() throws {
        for others in [[:], Self.slurm, Self.vertex("workerpool1", 1)] {
            let found = try #require(try place(Self.torchrun.merging(others) { own, _ in own }))
            #expect(found.rank == 1 && found.size == 4 && found.host == "host" && found.port == 29_400)
            #expect(!found.serves && found.timeoutSeconds == 600)
        }
        expectUsage(["WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": "1"], "MASTER_ADDR is missing")
    }

    @Test func vertexMachinesMeetAtTheFirst() throws {
        for (pool, index, rank) in [("workerpool0", 0, 0), ("workerpool1", 0, 1), ("workerpool1", 1, 2)] {
            let found = try #require(try place(Self.vertex(pool, index)))
            #expect(found.rank == rank && found.size == 3 && found.host == "a-0" && found.port == 2222)
            #expect(found.serves == (rank == 0))
        }
        expectUsage(Self.vertex("workerpool2", 0), "workerpool2 0")
        expectUsage(Self.vertex("workerpool1", 2), "none of its 3 machines")
        for address in ["a-0", "a-0:", ":2222", "a-0:x", "a-0:0", "a-0:65536"] {
            expectUsage(Self.vertex("workerpool0", 0, first: address), "“\(address)”")
        }
        expectUsage(["CLUSTER_SPEC": "{}"], "CLUSTER_SPEC")
    }

    @Test func slurmTasksMeetWhereTheStepWasStarted() throws {
        let found = try #require(try place(Self.slurm))
        #expect(found.rank == 2 && found.size == 3 && found.host == "10.1.2.3" && found.port == 15_000 + 10_042)
        #expect(!found.serves)
        let told = try #require(
            try place(Self.slurm.merging(["MASTER_ADDR": "n7", "MASTER_PORT": "400", "SLURM_PROCID": "0"]) { $1 }))
        #expect(told.host == "n7" && told.port == 400 && told.serves)
        for name in ["SLURM_PROCID", "SLURM_LAUNCH_NODE_IPADDR", "SLURM_JOB_ID"] {
            expectUsage(Self.slurm.filter { $0.key != name }, "\(name) is missing")
        }
        expectUsage(Self.slurm.merging(["SLURM_PROCID": "3"]) { $1 }, "SLURM_PROCID is “3”")
        expectUsage(Self.slurm.merging(["SLURM_STEP_NUM_TASKS": "x"]) { $1 }, "SLURM_STEP_NUM_TASKS is “x”")
    }

    @Test func theTimeoutIsAVariable() throws {
        let variable = "STARLING_RANK_TIMEOUT"
        #expect(try place(Self.torchrun.merging([variable: "2.5"]) { $1 })?.timeoutSeconds == 2.5)
        #expect(try place(Self.slurm.merging([variable: "30"]) { $1 })?.timeoutSeconds == 30)
        for text in ["", "0", "-1", "x", "nan", "inf", "1e7"] {
            expectUsage(Self.torchrun.merging([variable: text]) { $1 }, "\(variable) is “\(text)”")
        }
    }

    @Test func aSecondStartGoesOn() {
        func again(_ arguments: [String]) -> [String] {
            RankStart(workers: 2, nodes: 1, node: 0, host: "h", arguments).arguments(restarts: 1)
        }
        let train = ["train", "mf", "--data", "x"]
        #expect(again(train) == train + ["--resume"])
        #expect(again(train + ["--resume", "--json"]) == train + ["--resume", "--json"])
        #expect(again(train + ["--Overwrite", "--json"]) == train + ["--json", "--resume"])
        #expect(again(["plan", "--calibrate"]) == ["plan", "--calibrate"])
        let first = RankStart(workers: 2, nodes: 1, node: 0, host: "h", train + ["--overwrite"])
        #expect(first.arguments(restarts: 0) == train + ["--overwrite"])
    }

    @Test func threadsAreGivenOnce() {
        for (given, expected) in [
            (["train", "mf"], ["train", "mf", "--threads", "4"]), (["train", "mf", "--threads", "2"], nil),
            (["train", "mf", "--THREADS=2"], nil), (["plan", "--nodes", "8"], nil),
        ] {
            var start = RankStart(workers: 2, nodes: 1, node: 0, host: "h", given)
            start.setThreads(4)
            #expect(start.arguments(restarts: 0) == expected ?? given)
        }
    }

    @Test func ranksOfSeveralMachinesAreNumberedThrough() throws {
        let start = RankStart(workers: 4, nodes: 3, node: 2, host: "10.0.0.1", ["train", "mf"])
        let variables = start.variables(rank: 9, port: 400, restarts: 5)
        for (name, value) in [
            "RANK": "9", "LOCAL_RANK": "1", "WORLD_SIZE": "12", "LOCAL_WORLD_SIZE": "4", "GROUP_RANK": "2",
            "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "400", "STARLING_RESTART_COUNT": "5",
        ] { #expect(variables[name] == value, "\(name)") }
        let found = try #require(try place(variables))
        #expect(found.rank == 9 && found.size == 12 && found.host == "10.0.0.1" && found.port == 400)
    }

    /// An end as `waitpid` says it.
    private func end(
        _ rank: Int, status: Int32 = 0, signal: Int32 = 0, at seconds: Double = 0, told: [Int32] = []
    ) -> RankEnd { RankEnd(rank: rank, waited: status << 8 | signal, seconds: seconds, told: told) }

    @Test func theRankThatBeganItIsBlamed() {
        func blamed(_ ends: RankEnd...) -> Int? {
            guard case .failed(let end) = RankEnd.Outcome(ends) else { return nil }
            return end.rank
        }
        #expect(RankEnd.Outcome([end(0), end(1)]) == .done)
        // Others miss it first, or at the same time.
        #expect(blamed(end(0, status: 69), end(2, status: 69), end(1, signal: 9, at: 0.5, told: [15])) == 1)
        #expect(blamed(end(0, status: 69), end(1, status: 1, at: 0.5, told: [15])) == 1)
        #expect(blamed(end(0, status: 65), end(1, status: 65)) == 0)
        #expect(blamed(end(0, status: 1), end(1, signal: 11, at: 0.02, told: [15])) == 1)
        // Ended by us, or much later.
        #expect(blamed(end(0, status: 69), end(1, signal: 15, at: 0.1, told: [15])) == 0)
        #expect(blamed(end(0, status: 69), end(1, status: 130, at: 0.1, told: [15])) == 0)
        #expect(blamed(end(0, status: 69), end(1, signal: 9, at: 10, told: [15, 9])) == 0)
        #expect(blamed(end(0, status: 69), end(1, status: 1, at: 5, told: [15])) == 0)
        #expect(blamed(end(1), end(0, status: 1)) == 0)
        // Stopped: on request, or together.
        #expect(RankEnd.Outcome([end(0, status: 130), end(1, status: 130)]) == .stopped)
        #expect(RankEnd.Outcome([end(0, signal: 2, told: [2]), end(1, status: 130)]) == .stopped)
        #expect(blamed(end(0, status: 130, told: [2]), end(1, status: 1, told: [2])) == 1)
    }

    @Test func whatMayPassIsTriedAgain() {
        for status: Int32 in [1, 69] { #expect(end(0, status: status).mayPass) }
        for status: Int32 in [2, 64, 65, 130] { #expect(!end(0, status: status).mayPass) }
        for signal: Int32 in [6, 9, 11, 15] { #expect(end(0, signal: signal).mayPass) }
        #expect(end(3, signal: 9).status == 137 && "\(end(3, signal: 9))" == "rank 3 was killed by signal 9")
        #expect(end(3, status: 65).status == 65 && "\(end(3, status: 65))" == "rank 3 ended with status 65")
    }
}

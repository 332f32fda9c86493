import Formats
import Starling

/// A model as MLflow loads it, a `python_function`: a page of Python over the exported vectors, whose answers are `recommend`'s.
///
/// `MLmodel` · `code/starling_model.py` · `data/vectors.npz` (`user_factors [users × k]`, `item_factors [items × k]`, `users`,
/// `items`, `history_offsets [users + 1]`, `history_items`, `recommendable [items]`) · `requirements.txt` · `conda.yaml` ·
/// `python_env.yaml`
enum MLflowModel {
    /// The oldest version that loads it.
    private static let oldest = "2.10"

    /// Writes the folder, whole or not at all, in place of one that stands there.
    ///
    /// - Throws: `failed` if it cannot be written.
    static func write(_ folder: ModelFolder, _ workers: Workers, to path: String) throws {
        let export = try ExportCommand.export(folder, .both, folded: true)
        let recommender = try openRecommender(folder, workers)
        let history = try recommender.history
        let isRecommendable = (0..<history.columnCount).map { row -> UInt8 in
            recommender.ranker.index.isRecommendable(ItemRow(row)) ? 1 : 0
        }
        try Files.writeFolderAtomically(to: path) { aside in
            for inner in ["code", "data"] { try Files.makeDirectory("\(aside)/\(inner)") }
            try NPZ.write(
                export.arrays + [
                    NPYSource(TensorSource(name: "history_offsets", history.offsets.map { Int64($0) })),
                    NPYSource(TensorSource(name: "history_items", history.columns)),
                    NPYSource(TensorSource(name: "recommendable", isRecommendable)),
                ], to: aside + "/data/vectors.npz")
            try Files.write(PackageResources.starling_model_py, to: aside + "/code/starling_model.py")
            for (name, text) in texts(folder.manifest, export) { try Files.write(text.utf8, to: "\(aside)/\(name)") }
        }
    }

    private static func texts(_ manifest: ModelManifest, _ export: VectorExport) -> [String: String] {
        let requirements = ["mlflow>=\(oldest)", "numpy>=1.24", "pandas>=2.0"]
        func kind<Row>(_ ids: Vocabulary<Row>.IDs) -> String {
            if case .integers = ids { "long" } else { "string" }
        }
        let (user, item) = (kind(export.users.ids), kind(export.items.ids))
        func column(_ type: String, _ name: String) -> String {
            #"{"type": \#(type), "name": "\#(name)", "required": true}"#
        }
        func list(_ type: String) -> String { #""array", "items": {"type": "\#(type)"}"# }
        let columns = [column(#""\#(user)""#, "user"), column(list(item), "items"), column(list("double"), "scores")]
        let parameters = [
            #"{"name": "count", "type": "long", "default": 10, "shape": null}"#,
            #"{"name": "include_seen", "type": "boolean", "default": false, "shape": null}"#,
        ]
        return [
            "MLmodel": """
            artifact_path: model
            flavors:
              python_function:
                code: code
                data: data
                env:
                  conda: conda.yaml
                  virtualenv: python_env.yaml
                loader_module: starling_model
                python_version: 3.11.0
              starling:
                model: \(manifest.kind)
                version: \(Release.version)
                weights_sha256: '\(manifest.weightsSHA256)'
            mlflow_version: \(oldest).0
            model_uuid: '\(manifest.weightsSHA256.prefix(32))'
            signature:
              inputs: '[\(columns[0])]'
              outputs: '[\(columns.joined(separator: ", "))]'
              params: '[\(parameters.joined(separator: ", "))]'
            utc_time_created: '\(Host.timestamp())'

            """,
            "requirements.txt": requirements.map { $0 + "\n" }.joined(),
            "python_env.yaml": """
            python: 3.11.0
            build_dependencies:
            - pip
            dependencies:
            - -r requirements.txt

            """,
            "conda.yaml": """
            name: mlflow-env
            channels:
            - conda-forge
            dependencies:
            - python=3.11
            - pip
            - pip:
              - -r requirements.txt

            """,
        ]
    }
}

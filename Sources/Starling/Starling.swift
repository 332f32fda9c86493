// `import Starling` gives the whole library: one module that hands on the rooms.
@_exported import Basics
@_exported import Factorization
@_exported import Formats
@_exported import Interactions
@_exported import Kernels
@_exported import Ranking
@_exported import Training

module fim/bench/gmsm

go 1.22

require github.com/emmansun/gmsm v0.31.0

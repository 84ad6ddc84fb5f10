"""Does the search buy its front with fewer joules than plain Ray Tune with OptunaSearch?

Everything is simulated on a virtual clock but the search itself. The recorded problem is the table
`joulefront/testing/tables/smmt_oasis1.parquet`. It was made of two runs of one study file,

    study launch studies/search_table.yaml --store A
    study launch studies/search_table.yaml --store B --set search.seed=3
    python -m joulefront.testing.recorded A B
"""

"""The second engine: Apache Spark, its session, its SQL and its lake."""

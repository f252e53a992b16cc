/*
title: All fits
draw: table
columns:
  origin: Data up to
  asked_for: {label: Asked for, say: model_name}
  model: {label: Came out, say: model_name}
  told: In plain words
  customers:
  groups: Different histories
  log_likelihood: {label: Log-likelihood, kind: number}
  aic: {label: AIC, kind: number}
  iterations: {label: Iterations, kind: count}
  binning_error: {label: "Error of binning, standard errors", kind: score}
hidden: [status]
sentence: "{{ rows|fits_sentence }}"
basis: "{{ facts.basis }}"
note: >-
  Each model is fitted to all data, and to the data up to each day it is tested from. Error of binning: unknown where spend
  was fitted as it is, without bins.
*/
WITH told (status, told) AS (
  VALUES
    ('converged', 'found its best parameters'),
    ('penalised', 'held by a small penalty: the data alone did not fix its parameters'),
    ('no_dropout', 'nobody seems to leave for good, so the simpler NBD says as much'),
    ('equal_dropout', 'customers do not differ in how they leave, so that the model has one parameter less'),
    ('refused', 'not used')
)
SELECT
  fits.origin, fits.asked_for, fits.model,
  coalesce(told.told, fits.status) || coalesce(': ' || nullif(fits.reason, ''), '') AS told,
  fits.customers, fits.groups, fits.log_likelihood, fits.aic, fits.iterations, fits.binning_error, fits.status
FROM marts.model_fits AS fits
LEFT JOIN told ON told.status = fits.status
WHERE fits.snapshot_date = $snapshot_date
ORDER BY fits.origin DESC, fits.asked_for

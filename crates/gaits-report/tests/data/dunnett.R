# Writes dunnett.csv: the critical values of Dunnett's two-sided intervals (1955) for all models against one, with
# equal variances, at 95 %. Run in this folder, with R and multcomp: Rscript dunnett.R
#
# First it shows on data that multcomp's intervals for a randomised block design use this value and these degrees of
# freedom; then it takes the values from mvtnorm, as multcomp does.
suppressMessages(library(multcomp))
set.seed(1)
models <- 4; rounds <- 10
race <- expand.grid(model = factor(1:models), round = factor(1:rounds))
race$log_wall <- rnorm(nrow(race), 0, 0.03) + log(1.1) * (race$model != 1)
fit <- aov(log_wall ~ model + round, race)
against <- confint(glht(fit, linfct = mcp(model = "Dunnett")), level = 0.95)
critical <- function(comparisons, freedom) {
  together <- matrix(0.5, comparisons, comparisons); diag(together) <- 1
  qmvt(0.95, interval = c(1, 6), df = freedom, corr = together, tail = "both.tails",
    algorithm = GenzBretz(abseps = 1e-4))$quantile
}
stopifnot(abs(attr(against$confint, "calpha") - critical(models - 1, (models - 1) * (rounds - 1))) < 0.01)

cat("models,freedom,critical\n", file = "dunnett.csv")
for (models in c(2, 3, 4, 8)) for (freedom in unique(c(5, 9, 19, 49, (models - 1) * c(5, 9, 19, 49)))) {
  value <- if (models == 2) qt(0.975, freedom) else critical(models - 1, freedom)
  cat(sprintf("%d,%d,%.3f\n", models, freedom, value), file = "dunnett.csv", append = TRUE)
}

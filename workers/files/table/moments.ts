/** Count, extremes, mean and spread of numbers that come one by one; two of them can be merged. */
export class Moments {
  count = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  mean = 0
  /** The sum of the squares of the differences from the mean. */
  #squares = 0

  /**
   * B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products" (1962), and with weights
   * D. H. D. West, "Updating Mean and Variance Estimates" (1979): stable where sums of squares are not.
   * @param weight how often the value came
   */
  add(value: number, weight: number): void {
    this.count += weight
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const difference = value - this.mean
    this.mean += (difference * weight) / this.count
    this.#squares += weight * difference * (value - this.mean)
  }

  /** Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979). */
  merge(other: Moments): void {
    if (other.count === 0) return
    const count = this.count + other.count
    const difference = other.mean - this.mean
    this.mean += (difference * other.count) / count
    this.#squares += other.#squares + difference * difference * ((this.count * other.count) / count)
    this.count = count
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }

  /** The standard deviation of a sample; 0 for fewer than two values. */
  get deviation(): number {
    return this.count < 2 ? 0 : Math.sqrt(Math.max(0, this.#squares) / (this.count - 1))
  }
}

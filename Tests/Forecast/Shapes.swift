import Glibc
import WardenCore

/// One shape of a descriptor count over days, from which as many series are drawn as are wanted.
struct Shape: Sendable {
    /// What is drawn once for a series: its count at each of its samples, whose times are given in hours.
    typealias Count = (_ hour: Double, _ dice: inout Dice) -> Double

    let name: String
    /// Draws one series; the time between its samples is given in minutes.
    let draw: @Sendable (_ step: Double, _ dice: inout Dice) -> Count

    static let limit = 1024
    static let days = 6.0

    /// A series' counts, from the start to the sixth day.
    ///
    /// - Parameters:
    ///   - step: minutes between samples.
    ///   - seed: of what is drawn once.
    ///   - life: which of the lives with the same course; their noise differs.
    func series(stepMinutes step: Double, seed: UInt64, life: UInt64 = 0) -> [Int32] {
        var dice = Dice(seed: seed)
        let count = draw(step, &dice)
        dice = Dice(seed: seed &+ life &* 0x9E37)
        let samples = Int(Shape.days * 1440 / step)
        return (0..<samples).map { index in
            Int32(min(Double(Shape.limit), max(3, count(Double(index) * step / 60, &dice))))
        }
    }
}

extension Dice {
    /// Evenly between two numbers.
    mutating func between(_ low: Double, _ high: Double) -> Double { low + fraction() * (high - low) }

    /// Normal, mean 0, deviation 1.
    mutating func normal() -> Double {
        (-2 * log(max(1e-12, fraction()))).squareRoot() * cos(2 * .pi * fraction())
    }

    /// How many events of a process with this mean happen.
    mutating func events(mean: Double) -> Double {
        let floor = exp(-mean)
        var product = fraction()
        var count = 0.0
        while product > floor {
            count += 1
            product *= fraction()
        }
        return count
    }
}

/// A phase from 0 to 1 that repeats.
private func phase(_ hour: Double, _ period: Double, _ offset: Double) -> Double {
    (hour / period + offset).truncatingRemainder(dividingBy: 1)
}

/// Healthy workers: what rises comes to an end.
enum Healthy {
    static let shapes: [Shape] = [
        stationary, diurnal, oneStep, sawtooth, warmUp, wander, steps, growingPool, logarithmic, highWater, batches,
        reloads, cacheFill, workingDay,
    ]

    static let stationary = Shape(name: "stationary AR") { _, dice in
        let (level, memory, noise) = (dice.between(50, 400), dice.between(0.9, 0.999), dice.between(1, 5))
        var state = 0.0
        return { _, dice in
            state = memory * state + noise * dice.normal()
            return level + state
        }
    }

    static let diurnal = Shape(name: "diurnal") { _, dice in
        let level = dice.between(100, 350)
        let (height, offset) = (dice.between(20, level * 0.7), dice.fraction())
        return { level + height * sin(2 * .pi * phase($0, 24, offset)) + 4 * $1.normal() }
    }

    static let oneStep = Shape(name: "one step") { _, dice in
        let (level, height, time) = (dice.between(50, 250), dice.between(50, 350), dice.between(0, 144))
        return { level + ($0 > time ? height : 0) + 4 * $1.normal() }
    }

    static let sawtooth = Shape(name: "per-job sawtooth") { _, dice in
        let (level, height) = (dice.between(50, 150), dice.between(50, 550))
        let (period, offset) = (dice.between(1.0 / 6, 10), dice.fraction())
        return { level + height * phase($0, period, offset) + 3 * $1.normal() }
    }

    static let warmUp = Shape(name: "warm-up") { _, dice in
        let (level, height, time) = (dice.between(30, 80), dice.between(100, 550), dice.between(0.2, 10))
        return { level + height * (1 - exp(-$0 / time)) + 4 * $1.normal() }
    }

    static let wander = Shape(name: "slow wander") { step, dice in
        let (level, noise) = (dice.between(150, 450), dice.between(0.5, 1.5) * step.squareRoot())
        let memory = 1 - 0.0005 * step
        var state = 0.0
        return { _, dice in
            state = memory * state + noise * dice.normal()
            return level + state
        }
    }

    static let steps = Shape(name: "two to four late steps") { _, dice in
        let level = dice.between(50, 200)
        let all = (0..<Int(dice.between(2, 5))).map { _ in (dice.between(0, 144), dice.between(30, 180)) }
        return { hour, dice in
            all.reduce(level) { $0 + (hour > $1.0 ? $1.1 : 0) } + 4 * dice.normal()
        }
    }

    static let growingPool = Shape(name: "pool that saturates, 10 to 70 h") { _, dice in
        let (level, height, time) = (dice.between(30, 90), dice.between(100, 550), dice.between(10, 70))
        return { level + height * (1 - exp(-$0 / time)) + 6 * abs($1.normal()) }
    }

    static let logarithmic = Shape(name: "pool that grows as log t") { _, dice in
        let (level, height, time) = (dice.between(30, 90), dice.between(20, 80), dice.between(0.05, 2))
        return { level + height * log(1 + $0 / time) + 6 * abs($1.normal()) }
    }

    static let highWater = Shape(name: "pool at high water") { step, dice in
        let (load, spread) = (dice.between(24, 104), dice.between(0.2, 0.5))
        var peak = 20.0
        return { _, dice in
            let now = load * exp(spread * dice.normal() - spread * spread / 2)
            if dice.fraction() < 0.01 * step { peak = max(peak, now) }
            return 40 + peak + 5 * dice.fraction()
        }
    }

    static let batches = Shape(name: "periodic batch peaks") { _, dice in
        let (level, height) = (dice.between(60, 160), dice.between(50, 400))
        let (period, part, offset) = (dice.between(2, 26), dice.between(0.2, 0.8), dice.fraction())
        return { hour, dice in
            let place = phase(hour, period, offset)
            return level + (place < part ? height * min(1, place / part * 2) : 0) + 4 * dice.normal()
        }
    }

    static let reloads = Shape(name: "drops at each reload") { _, dice in
        let (level, height) = (dice.between(50, 100), dice.between(100, 400))
        let (period, offset) = (dice.between(12, 48), dice.fraction())
        return { level + height * (1 - exp(-3 * phase($0, period, offset))) + 4 * $1.normal() }
    }

    static let cacheFill = Shape(name: "cache that fills") { step, dice in
        let (level, size) = (dice.between(50, 100), dice.between(100, 500))
        let rate = size / dice.between(2, 42)
        var filled = 0.0
        return { _, dice in
            filled += rate * (1 - filled / size) * step / 60 * dice.between(0.5, 1.5)
            return level + filled + 2 * dice.normal()
        }
    }

    static let workingDay = Shape(name: "working day") { _, dice in
        let (level, height, offset) = (dice.between(50, 130), dice.between(50, 350), dice.fraction())
        return { hour, dice in
            let time = phase(hour, 24, offset) * 24
            let load =
                switch time {
                case 8..<11: 0.05 + (time - 8) / 3 * 0.95
                case 11..<17: 1.0
                case 17..<21: 1 - (time - 17) / 4 * 0.95
                default: 0.05
                }
            return level + height * load + 5 * dice.normal()
        }
    }

    /// Healthy, and until they turn no rule can tell them from a leak: they rise straight through most of the room.
    /// Their second life is told by the first.
    static let hard: [Shape] = [
        Shape(name: "job of a day up to 75 %") { _, dice in
            let (level, height) = (dice.between(40, 80), dice.between(600, 700))
            return { level + height * phase($0, 24, 0) + 4 * $1.normal() }
        },
        Shape(name: "cache that fills straight to 60 %") { _, dice in
            let (level, size, time) = (dice.between(40, 80), dice.between(450, 550), dice.between(20, 60))
            return { level + size * min(1, $0 / time) + 4 * $1.normal() }
        },
        Shape(name: "pool that takes 4 days to 70 %") { _, dice in
            let (level, size, time) = (dice.between(40, 80), dice.between(650, 700), dice.between(30, 40))
            return { level + size * (1 - exp(-$0 / time)) + 4 * abs($1.normal()) }
        },
    ]
}

/// Leaking workers: the floor rises until the table is full.
enum Leaking {
    static let sixDays: [Shape] = [
        straight(days: 6), leak("6 days + diurnal", days: 6, diurnal), leak("6 days + sawtooth", days: 6, jobs),
        leak("6 days after a warm-up", days: 6, warmUp), burstyJobs, workingHours,
    ]
    static let fast: [Shape] = [straight(days: 1), leak("1 day + sawtooth", days: 1, jobs), straight(days: 0.125)]

    typealias Extra = @Sendable (inout Dice) -> Shape.Count

    static let diurnal: Extra = { dice in
        let (height, offset) = (dice.between(20, 80), dice.fraction())
        return { hour, _ in height * (1 + sin(2 * .pi * phase(hour, 24, offset))) }
    }

    static let jobs: Extra = { dice in
        let (height, period) = (dice.between(30, 180), dice.between(1.0 / 6, 3))
        return { hour, _ in height * phase(hour, period, 0) }
    }

    static let warmUp: Extra = { dice in
        let (height, time) = (dice.between(50, 150), dice.between(1, 6))
        return { hour, _ in height * (1 - exp(-hour / time)) }
    }

    static func straight(days: Double) -> Shape {
        leak(days < 1 ? "3 hours" : days == 1 ? "1 day" : "6 days, straight", days: days) { _ in { _, _ in 0 } }
    }

    static func leak(_ name: String, days: Double, _ extra: @escaping Extra) -> Shape {
        Shape(name: name) { _, dice in
            let level = dice.between(40, 80)
            let extra = extra(&dice)
            let rate = (Double(Shape.limit) - level) / (days * 24)
            return { level + rate * $0 + extra($0, &$1) + 4 * abs($1.normal()) }
        }
    }

    /// Two descriptors per job, and jobs come in bursts of hours.
    static let burstyJobs = Shape(name: "6 days, per job in bursts") { step, dice in
        let level = dice.between(40, 80)
        var (leaked, isBusy) = (0.0, true)
        return { _, dice in
            if dice.fraction() < step / 180 { isBusy.toggle() }
            if isBusy { leaked += 2 * dice.events(mean: 0.112 * step) }
            return level + leaked + 5 * abs(dice.normal())
        }
    }

    /// Nine tenths of it in twelve hours of the day.
    static let workingHours = Shape(name: "6 days, in working hours") { step, dice in
        let (level, offset) = (dice.between(40, 80), dice.fraction())
        let rate = (Double(Shape.limit) - level) / (Shape.days * 1440)
        var leaked = 0.0
        return { hour, dice in
            leaked += rate * step * (phase(hour, 24, offset) < 0.5 ? 1.8 : 0.2)
            return level + leaked + 5 * abs(dice.normal())
        }
    }
}

import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("The service manager's store")
struct DescriptorStoreTests {
    /// A manager that reads when it is told to.
    private struct Keeper: ~Copyable {
        let scratch: Scratch
        let address: String
        var socket: Descriptor

        static func make(abstract: Bool = false) throws -> Keeper {
            let scratch = try Scratch()
            let address = abstract ? "@\(scratch.path)" : "\(scratch.path)/notify"
            let socket = try listen(address)
            return Keeper(scratch: scratch, address: address, socket: socket)
        }

        static func listen(_ address: String) throws -> Descriptor {
            let type = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let socket = Descriptor(owning: Glibc.socket(AF_UNIX, type, 0))
            if address.hasPrefix("@") {
                var name = sockaddr_un()
                name.sun_family = sa_family_t(AF_UNIX)
                let text = Array(address.utf8.dropFirst())
                withUnsafeMutableBytes(of: &name.sun_path) { $0[1...].copyBytes(from: text) }
                let size = socklen_t(MemoryLayout<sa_family_t>.size + 1 + text.count)
                let bound = withUnsafePointer(to: &name) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket.rawValue, $0, size) }
                }
                try #require(bound == 0)
            } else {
                try #require(withAddress(address) { bind(socket.rawValue, $0, $1) } == 0)
            }
            return socket
        }

        /// Opens its socket anew, as after a start.
        mutating func restart() throws {
            unlink(address)
            socket = try Self.listen(address)
        }

        /// The messages that wait; their descriptors are closed, and counted.
        func drain(_ limit: Int = .max) -> [String] {
            var messages: [String] = []
            var buffer = [UInt8](repeating: 0, count: 512)
            while messages.count < limit, let (size, descriptor) = receiveMessage(socket.rawValue, &buffer) {
                if let descriptor { close(descriptor) }
                let text = String(decoding: buffer.prefix(size), as: UTF8.self)
                messages.append(text + (descriptor == nil ? "" : " +"))
            }
            return messages
        }
    }

    private static func worker(_ slot: UInt32, _ generation: UInt32 = 1) -> WorkerID {
        WorkerID(slot: SlotID(slot), generation: Generation(generation))
    }

    private static func stored(_ name: String) -> String { "FDSTORE=1\nFDPOLL=0\nFDNAME=\(name) +" }
    private static func removed(_ name: String) -> String { "FDSTOREREMOVE=1\nFDNAME=\(name)" }

    @Test("names are short, and come back as what they were")
    func names() {
        let worker = Self.worker(12, 3)
        let names: [(StoredName, String)] = [
            (.state, "state"), (.output(worker, .standardOutput), "p12.3o"),
            (.output(worker, .standardError), "p12.3e"), (.input(worker), "i12.3"), (.process(worker), "d12.3"),
            (.notify(worker), "n12.3"), (.process(Self.worker(.max, .max)), "d4294967295.4294967295"),
            (.process(Self.worker(0, 0)), "d0.0"),
            (.listener(2), "l2"), (.lock(0), "k0"), (.shared(.max), "f4294967295"),
        ]
        for (name, text) in names {
            #expect(name.text == text)
            #expect(StoredName(text) == name)
        }
        let others = [
            "", "stored", "State", "state ", "p12.3", "p12.3x", "d12.3o", "d", "d.", "d1.", "d.1", "d1.2.3", "d+1.2",
            "d-1.2", "d01.2", "d1.00", "d4294967296.1", "d99999999999999999999.1", "d1. 2", "x1.2", "d١.٢", "p.o", "po",
            "dd1.2", "é1.2", "p1.2é", "l", "l01", "k4294967296", "f1.2", "x1", "d1", "l1o",
        ]
        for text in others { #expect(StoredName(text) == nil, "\(text)") }
    }

    @Test("any text that is a name is the name's own text")
    func fuzz() {
        var dice = Dice(seed: 5)
        let letters = Array("pidnlkfoe.0123456789state:-+ \u{1F600}")
        var count = 0
        for _ in 0..<200_000 {
            let text = String(
                (0..<(1 + dice.next() % 8)).map { _ in letters[Int(dice.next() % UInt64(letters.count))] })
            guard let name = StoredName(text) else { continue }
            #expect(name.text == text)
            count += 1
        }
        #expect(count > 10)
    }

    @Test("each message says what it is about, with one descriptor", arguments: [false, true])
    func messages(abstract: Bool) throws {
        let manager = try Keeper.make(abstract: abstract)
        var store = DescriptorStore(address: manager.address)
        let isAvailable = store.isAvailable
        #expect(isAvailable)
        let worker = Self.worker(12, 3)
        for name in [StoredName.state, .output(worker, .standardOutput), .process(worker)] {
            let outcome = store.store(0, as: name)
            #expect(outcome == .sent)
        }
        store.remove(.process(worker))
        // Nothing is stored under these any more, or never was.
        store.remove(.process(worker))
        store.remove(.input(worker))
        #expect(
            manager.drain() == [
                Self.stored("state"), Self.stored("p12.3o"), Self.stored("d12.3"), Self.removed("d12.3"),
            ])
        let (count, bytes, holds) = (store.descriptorCount, store.nameBytes, store.holds(.state))
        #expect(count == 2 && bytes == 6 + 7 && holds)
    }

    @Test("without a manager nothing is stored; one that says it keeps none is none")
    func unavailable() throws {
        let manager = try Keeper.make()
        for (address, capacity) in [
            (nil, nil), ("", nil), ("/nowhere/notify", nil), ("vsock:2:1", nil), ("@", nil),
            (String(repeating: "/x", count: 100), nil), (manager.address, "0"),
        ] as [(String?, String?)] {
            var store = DescriptorStore(address: address, capacity: capacity)
            let (isAvailable, outcome) = (store.isAvailable, store.store(0, as: .state))
            #expect(!isAvailable && outcome == .refused(.unavailable))
            store.remove(.state)
            let isDone = store.flush()
            #expect(isDone)
        }
        #expect(manager.drain().isEmpty)
    }

    @Test("past the number of descriptors, or the bytes of their names, it refuses and says so")
    func limits() throws {
        let manager = try Keeper.make()
        var few = DescriptorStore(address: manager.address, capacity: "2")
        few.note(.state)
        let first = few.store(0, as: .process(Self.worker(1)))
        let second = few.store(0, as: .process(Self.worker(2)))
        #expect(first == .sent && second == .refused(.descriptors(2)))
        few.remove(.state)
        let third = few.store(0, as: .process(Self.worker(2)))
        #expect(third == .sent)

        var short = DescriptorStore(address: manager.address, nameLimit: 10)
        let fourth = short.store(0, as: .process(Self.worker(1)))
        let fifth = short.store(0, as: .process(Self.worker(22)))
        #expect(fourth == .sent && fifth == .refused(.names(10)))
        let sixth = short.store(0, as: .process(Self.worker(2)))
        #expect(sixth == .sent)
    }

    @Test("while the manager stands still messages wait in order; those of what is gone meanwhile are withdrawn")
    func waiting() async {
        await #expect(processExitsWith: .success) {
            let manager = try Keeper.make()
            var store = DescriptorStore(address: manager.address)
            let pipe = try Pipe()
            let kept = pipe.reader.rawValue
            var names: [StoredName] = []
            var outcome = DescriptorStore.Outcome.sent
            for slot in 1...2000 where outcome == .sent {
                names.append(.process(DescriptorStoreTests.worker(UInt32(slot))))
                outcome = store.store(kept, as: names[names.count - 1])
            }
            try #require(outcome == .waiting)
            let before = try openDescriptors()
            let full = names.count
            for slot in 3001...3003 {
                names.append(.process(DescriptorStoreTests.worker(UInt32(slot))))
                outcome = store.store(kept, as: names[names.count - 1])
                try #require(outcome == .waiting)
            }
            #expect(try openDescriptors() == before + 3)
            // One that waits, and one that was sent.
            store.remove(.process(DescriptorStoreTests.worker(3002)))
            store.remove(names[0])
            #expect(try openDescriptors() == before + 2)
            let isDone = store.flush()
            #expect(!isDone)

            var poller = try Poller()
            try poller.add(store.readinessDescriptor, token: 1, .writable)
            #expect(try poller.wait(until: MonotonicClock.now()).isEmpty)
            var messages: [String] = []
            while store.awaitsRoom {
                messages += manager.drain(64)
                let ready = try poller.wait(until: MonotonicClock.now() + Launchpad.patience)
                try #require(ready.first?.isWritable == true)
                store.flush()
            }
            messages += manager.drain()
            var expected = names.map { DescriptorStoreTests.stored($0.text) }
            expected.remove(at: full + 1)
            expected.append(DescriptorStoreTests.removed(names[0].text))
            #expect(messages == expected)
            #expect(try openDescriptors() == before - 1)
            let stored = store.descriptorCount
            #expect(stored == full + 1)

            // The queue itself has an end, and leaves nothing open with its owner.
            outcome = .sent
            for slot in 5000... {
                outcome = store.store(kept, as: .process(DescriptorStoreTests.worker(UInt32(slot))))
                if case .refused = outcome { break }
            }
            #expect(
                outcome == .refused(.waiting(StoreLimits.waitingStores))
                    || outcome == .refused(.descriptors(StoreLimits.descriptors)))
            store = DescriptorStore(address: nil)
            #expect(try openDescriptors() == before - 1)
        }
    }

    @Test("a manager that has opened its socket anew is found again")
    func reconnects() throws {
        var manager = try Keeper.make()
        var store = DescriptorStore(address: manager.address)
        let first = store.store(0, as: .state)
        #expect(first == .sent)
        try manager.restart()
        let second = store.store(0, as: .process(Self.worker(1)))
        #expect(second == .sent)
        #expect(manager.drain() == [Self.stored("d1.1")])
    }

    @Test("what a message costs", .enabled(if: getenv("WARDEN_MEASURE") != nil))
    func cost() throws {
        let manager = try Keeper.make()
        var store = DescriptorStore(address: manager.address)
        let start = MonotonicClock.now()
        for slot in 1...200 { _ = store.store(0, as: .process(Self.worker(UInt32(slot)))) }
        print("store: \((MonotonicClock.now() - start) / 200) each")
    }
}

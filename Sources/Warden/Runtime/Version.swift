/// What this daemon calls itself.
package enum Version {
    /// Warden's own version; supervisord's, which clients ask for, is the control room's business.
    package static let text = "0.1.0"
}

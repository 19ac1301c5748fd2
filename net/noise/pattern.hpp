#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ghoard::noise {

/// What a message does, in order (Noise rev 34, sections 7.1 and 9.2).
enum class Token : std::uint8_t { e, s, ee, es, se, psk };

/// A handshake pattern with its psk modifiers, and the name of the protocol that it makes with 25519, ChaChaPoly and
/// SHA256. The patterns known are the rows of the table in pattern.cpp.
class Pattern {
 public:
  static constexpr std::size_t messages = 3;

  /// From a whole protocol name like "Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256"; empty when it is not one we know.
  [[nodiscard]] static std::optional<Pattern> parse(std::string_view protocol_name);

  [[nodiscard]] const std::string& protocol_name() const { return m_name; }
  /// The tokens of message `index`, below `messages`; the initiator sends those with even numbers.
  [[nodiscard]] std::span<const Token> tokens(std::size_t index) const {
    return std::span<const Token>(m_rows[index].tokens).first(m_rows[index].size);
  }
  /// How many pre-shared keys it takes. With any, an `e` also mixes into the key (section 9.2).
  [[nodiscard]] std::size_t psk_count() const { return m_psk_count; }

 private:
  struct Row {
    /// The longest message of XX has four tokens, and each end may gain a psk.
    std::array<Token, 6> tokens{};
    std::size_t size = 0;

    void append(Token token) { tokens[size++] = token; }
    void prepend(Token token);
  };

  Pattern() = default;
  bool apply_modifier(std::string_view modifier);

  std::string m_name;
  std::array<Row, messages> m_rows;
  std::size_t m_psk_count = 0;
  std::uint8_t m_modifiers = 0;
};

}  // namespace ghoard::noise

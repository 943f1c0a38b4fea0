package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.setting.Origin;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.ValueType;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A parameter of Felix.
 *
 * @param setting its name in felix.cfg, its type and what holds where it is not set
 * @param field its name in FelixConfiguration
 * @param <T> what its values are
 */
record Parameter<T>(Setting<T> setting, String field) {
  private static final Logger log = LoggerFactory.getLogger(FelixConfig.class);

  private static final Origin ORIGIN =
      new Origin("environment with FELIX_, felix.cfg, FelixConfiguration", true);

  /**
   * Makes one.
   *
   * @param absent what holds where it is not set, or set to nonsense
   * @param absentWords how the README says that
   */
  static <T> Parameter<T> of(
      String name,
      String field,
      ValueType<T> type,
      T absent,
      String absentWords,
      String description) {
    return new Parameter<>(
        Setting.of(name, type, absent, description).orElse(absentWords).from(ORIGIN).lenient(),
        field);
  }

  /**
   * Returns the value of the strongest source that has one. A value that makes no sense is logged
   * and counts as not set.
   */
  T find(List<FelixSource> sources) {
    for (FelixSource source : sources) {
      Optional<String> text = source.value(setting.name(), field);
      Optional<T> value = text.flatMap(setting.type()::parse);
      if (value.isPresent()) {
        return value.get();
      }
      text.ifPresent(
          bad ->
              log.error(
                  "{} \"{}\" must be {}: it is ignored until it is changed",
                  source.describe(
                      source.kind() == FelixSource.Kind.RESOURCE ? field : setting.name()),
                  bad,
                  setting.type().range()));
    }
    return setting.absent();
  }
}

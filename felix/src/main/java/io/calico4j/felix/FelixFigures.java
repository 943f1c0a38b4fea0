package io.calico4j.felix;

import io.calico4j.felix.calculation.CalculationFigures;
import io.calico4j.felix.dataplane.nft.NftCalls;
import io.calico4j.felix.dataplane.nft.TableFigures;
import io.calico4j.felix.rules.RuleCounters;
import java.util.List;

/**
 * How much Felix knows and has done, as of one moment.
 *
 * @param node the node's name
 * @param work what it has done since it started
 * @param calculation what it knows of the cluster
 * @param table what is in the table
 * @param nft how often nftables was asked
 * @param routes the routes that there ought to be
 * @param rules what the rules of policies and profiles have counted; none where they do not count
 */
public record FelixFigures(
    String node,
    FelixWork work,
    CalculationFigures calculation,
    TableFigures table,
    NftCalls.Figures nft,
    RouteFigures routes,
    List<RuleCounters.Count> rules) {}
